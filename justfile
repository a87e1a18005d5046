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

# Each decoder of the wire against bytes that no server should send.
fuzz seconds="180":
    for target in sse chunked content json texts event_stream events; do \
        RUSTC_BOOTSTRAP=1 cargo fuzz run -s none $target -- -max_total_time={{seconds}} -rss_limit_mb=2048 || exit 1; \
    done

# The same, and what needs other people's programs.
ci:
    bash .ci/run
