//! Why an item is not passed on: for good, or for now.

use std::fmt;

/// Why an item is no genuine one of ours. It is counted and acknowledged: whoever sent it
/// learns nothing, and Graph would only send it again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Refusal {
    /// Not an object, or a member that matters stands there twice or in another type.
    Malformed,
    /// No clientState.
    NoClientState,
    /// A clientState that is not of evergraph's form.
    ForeignClientState,
    /// Signed by a key that is not in the ring, and the time of grace is over.
    UnknownKid,
    /// Of our form, with a wrong signature.
    WrongClientState,
    /// From another tenant than the declared one.
    WrongTenant,
    /// Resource data without any validation token.
    NoTokens,
    /// A validation token is wrong.
    Token(TokenFault),
    /// No validation token is of the item's tenant.
    NoTokenOfTenant,
    /// `encryptedContent` lacks a part, or a part is no base64.
    Envelope,
    /// `encryptedContent` has no signature.
    NoDataSignature,
    /// The symmetric key does not open with the private key that the item names.
    DataKey,
    /// The signature over the ciphertext is wrong.
    DataSignature,
    /// What came out is no JSON.
    Content,
}

impl Refusal {
    /// The word for counters and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NoClientState => "no_client_state",
            Self::ForeignClientState => "foreign_client_state",
            Self::UnknownKid => "unknown_kid",
            Self::WrongClientState => "wrong_client_state",
            Self::WrongTenant => "wrong_tenant",
            Self::NoTokens => "no_tokens",
            Self::Token(fault) => fault.as_str(),
            Self::NoTokenOfTenant => "no_token_of_tenant",
            Self::Envelope => "envelope",
            Self::NoDataSignature => "no_data_signature",
            Self::DataKey => "data_key",
            Self::DataSignature => "data_signature",
            Self::Content => "content",
        }
    }

    /// Whether the clientState itself spoke against the item: the sign by which an unproven
    /// subscription turns out mismatched.
    pub const fn is_by_client_state(self) -> bool {
        matches!(
            self,
            Self::NoClientState
                | Self::ForeignClientState
                | Self::UnknownKid
                | Self::WrongClientState
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with a validation token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TokenFault {
    /// No JWT, or longer than any.
    Form,
    /// Signed in another way than RS256.
    Algorithm,
    /// Signed by a key that the authority does not publish.
    UnknownKey,
    /// The signature is wrong.
    Signature,
    /// Issued by somebody else.
    Issuer,
    /// For another application.
    Audience,
    /// Neither version 1.0 nor 2.0.
    Version,
    /// Not for Microsoft Graph Change Tracking.
    Publisher,
    /// Over.
    Expired,
    /// Not yet valid.
    TooEarly,
}

impl TokenFault {
    /// The word for counters and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "token_form",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Version => "token_version",
            Self::Publisher => "token_publisher",
            Self::Expired => "token_expired",
            Self::TooEarly => "token_too_early",
        }
    }
}

/// Why an item cannot be settled now. The request is answered 503, and Graph sends it again;
/// what could be settled beside it has been.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Delay {
    /// Signed by a key that may arrive with a rolling deployment.
    UnknownKid,
    /// The keys of the authority could not be read.
    AuthorityUnreachable,
    /// Sealed for a certificate whose private key is not loaded.
    CertificateNotLoaded,
    /// The declaration has not been read yet.
    DeclarationNotRead,
    /// The clock could not be read.
    NoClock,
    /// The sink did not take the events.
    Sink,
    /// The first of several equal items was not written.
    FirstNotWritten,
    /// The wake mark could not be left.
    WakeMark,
    /// The time for an answer is over.
    Deadline,
    /// As much as may be at work is at work already.
    Capacity,
}

impl Delay {
    /// The word for counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownKid => "unknown_kid",
            Self::AuthorityUnreachable => "authority_unreachable",
            Self::CertificateNotLoaded => "certificate_not_loaded",
            Self::DeclarationNotRead => "declaration_not_read",
            Self::NoClock => "no_clock",
            Self::Sink => "sink",
            Self::FirstNotWritten => "first_not_written",
            Self::WakeMark => "wake_mark",
            Self::Deadline => "deadline",
            Self::Capacity => "capacity",
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
