//! TLS in front of a server of ours, with a certificate whose authority only we know.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// A proxy that speaks TLS and passes on what it is told. It ends when this is dropped.
pub(crate) struct Tls {
    address: SocketAddr,
    _held: oneshot::Sender<()>,
}

/// The file of the authority, for `SSL_CERT_FILE`.
pub(crate) fn authority() -> PathBuf {
    data("authority.pem")
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

impl Tls {
    /// One in front of `http://HOST:PORT`.
    pub(crate) fn before(url: &str) -> Self {
        let target = url.strip_prefix("http://").expect("an address").to_owned();
        let certificate = CertificateDer::from_pem_file(data("server.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(data("server.key")).expect("its key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("they fit");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (held, dropped) = oneshot::channel::<()>();
        let serve = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    // Whoever does not trust us hangs up, and so does whoever is done.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Ok(mut server) = TcpStream::connect(&target).await else { return };
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        };
        std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = serve => {}
                    // Nobody ever sends anything: it is dropped.
                    _ = dropped => {}
                }
            });
        });
        Self { address, _held: held }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}
