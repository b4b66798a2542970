// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTrust
import Logging

/// The certificate and key that clients are shown, as files that somebody renews from time to time.
struct CertificateFiles: Sendable {
    /// Between two looks at the files.
    static let pause = Duration.seconds(60)
    private static let sizeLimit = 1 << 20

    private struct Contents: Hashable {
        var certificate: [UInt8]
        var key: [UInt8]
    }

    private let certificate: String
    private let key: String
    private let logger: Logger

    /// - Returns: `nil` when the settings name no files.
    init?(_ settings: AccessSettings.TLS, logger: Logger) {
        guard case .files(let certificate, let key) = settings else { return nil }
        self.certificate = certificate
        self.key = key
        self.logger = logger
    }

    /// - Throws: ``NodeStartError`` that names the file.
    func load() throws(NodeStartError) -> SurfaceTLS { try tls(of: try read()) }

    /// Takes up what is in the files when it changes and can be used, until the task is cancelled.
    func watch(_ source: SurfaceTLSSource, clock: any TimeSource) async {
        var last = try? read()  // read a moment ago; if it is gone by now, whatever comes is new
        while true {
            do { try await clock.sleep(forAbout: Self.pause) } catch { return }
            do throws(NodeStartError) {
                let contents = try read()
                guard contents != last else { continue }
                last = contents
                source.replace(with: try tls(of: contents))
                logger.info(
                    "certificate renewed", metadata: ["certificate-sha256": "\(source.current.fingerprint)"])
            } catch {
                logger.warning("certificate not renewed", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func read() throws(NodeStartError) -> Contents {
        Contents(certificate: try bytes(certificate, of: "certificate"), key: try bytes(key, of: "private key"))
    }

    private func bytes(_ path: String, of what: String) throws(NodeStartError) -> [UInt8] {
        do {
            return try BoundedFile.bytes(path, limit: Self.sizeLimit)
        } catch {
            throw NodeStartError(.certificate, "cannot read the \(what) \(path)", cause: error)
        }
    }

    private func tls(of contents: Contents) throws(NodeStartError) -> SurfaceTLS {
        let tls: SurfaceTLS
        do {
            tls = try SurfaceTLS(certificate: contents.certificate, key: contents.key)
        } catch {
            let file =
                switch error.code {
                case .certificate: certificate
                case .key: key
                case .mismatch: "\(key), as the private key of \(certificate),"
                }
            throw NodeStartError(.certificate, "\(file) \(error.message)", cause: error.cause)
        }
        warn(of: tls)
        return tls
    }

    /// Clients that look will refuse; those that do not will not notice, so that this is no reason to stay away.
    private func warn(of tls: SurfaceTLS) {
        let now = WallTime.now()
        guard let validity = tls.validity, !validity.contains(now) else { return }
        logger.warning(
            now < validity.lowerBound ? "the certificate is not valid yet" : "the certificate has expired",
            metadata: [
                "file": "\(certificate)", "from": "\(validity.lowerBound.rfc3339)",
                "to": "\(validity.upperBound.rfc3339)",
            ])
    }
}
