# Everything that is checked with Rust alone.
check: format lint test doc

format:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

test:
    cargo test --workspace --locked

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# The same, and what needs other people's programs.
ci:
    bash .ci/run
