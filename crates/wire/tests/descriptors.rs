//! This host's own shortage is never the server's fault. Alone in its process, whose limit it lowers.

use std::net::TcpListener;
use std::sync::Arc;

use metron_wire::{
    Answer, Client, Clock, End, Endpoint, FailureKind, Http, Redirects, Target, TargetSettings, Timeouts, TlsSettings,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn running_out_of_descriptors_is_this_hosts_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = TargetSettings {
        endpoint: Endpoint::resolve(&format!("http://{}", listener.local_addr().unwrap()), None).unwrap(),
        headers: Vec::new(),
        tls: TlsSettings::default(),
        timeouts: Timeouts::default(),
        redirects: Redirects::Reported,
        http: Http::One,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(Arc::new(Target::new(settings).unwrap()), Clock::start());
        setrlimit(Resource::Nofile, Rlimit { current: Some(32), ..getrlimit(Resource::Nofile) }).unwrap();
        let error = client.open_ahead(64).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::ClientResource);
        assert!(error.message.contains("ulimit -n"), "{}", error.message);

        let full: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let mut answer = Answer::default();
        let other = Client::new(client.target().clone(), Clock::start());
        other.send(&client.target().prepare(Vec::new()), &mut answer).await;
        assert!(matches!(answer.end, End::Failed { kind: FailureKind::ClientResource, .. }), "{:?}", answer.end);
        assert_eq!((answer.dispatched, answer.attempt), (None, 0));
        drop(full);
    });
}
