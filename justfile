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

# Each decoder and each reader of traces against bytes that nobody should send: some targets, or all of them.
fuzz seconds="180" *targets="":
    cd fuzz && for target in $([ -n "{{targets}}" ] && echo {{targets}} || cargo fuzz list); do \
        mkdir -p target/learned/$target && \
        RUSTC_BOOTSTRAP=1 cargo fuzz run -s none $target target/learned/$target corpus/$target -- \
            -max_total_time={{seconds}} -rss_limit_mb=2048 -timeout=10 -max_len=4096 -dict=words.dict || exit 1; \
    done

# Keeps a few small inputs that reach all the code that the last runs have reached.
fuzz-keep *targets="":
    cd fuzz && for target in $([ -n "{{targets}}" ] && echo {{targets}} || cargo fuzz list); do \
        mkdir -p target/learned/$target && \
        RUSTC_BOOTSTRAP=1 cargo fuzz run -s none $target corpus/$target target/learned/$target -- \
            -set_cover_merge=1 -use_counters=0 -max_len=512 || exit 1; \
    done

# The same, and what needs other people's programs.
ci:
    bash .ci/run
