//! Use cases: a pass, its execution, leadership, intake. Each reads top to bottom.
