//! "Did you mean": the nearest of the words that would have been right.

/// Longer words are nobody's slip of the pen, and comparing them would cost time.
const LONGEST_WORD: usize = 100;

/// The candidate nearest to the word, if one is near enough to be meant: letter case and
/// `-` against `_` are free, and one slip in three characters is forgiven.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let word = plain(word);
    candidates
        .into_iter()
        .map(|one| (strsim::osa_distance(&word, &plain(one)), one))
        .filter(|(slips, one)| *slips <= one.chars().count().max(word.chars().count()) / 3)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, one)| one)
}

/// The sentence `did you mean …?`, or nothing.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    match closest(word, candidates) {
        Some(one) => format!("did you mean {one:?}?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_recognised_and_strangers_are_not() {
        let words = ["lifetime", "lifecycle", "resource", "change_types"];
        assert_eq!(closest("lifetme", words), Some("lifetime"));
        assert_eq!(closest("Change-Types", words), Some("change_types"));
        assert_eq!(closest("resuorce", words), Some("resource"));
        assert_eq!(closest("colour", words), None);
        assert_eq!(did_you_mean("colour", words), "");
        assert_eq!(
            did_you_mean("lifecicle", words),
            "did you mean \"lifecycle\"?"
        );
    }
}
