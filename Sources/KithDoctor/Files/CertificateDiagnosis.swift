// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import KithTrust

/// The certificate that clients are shown, where the owner has given one.
struct CertificateDiagnosis: Diagnosis {
    /// How long before its end a certificate should be renewed.
    static let warning = Duration.seconds(14 * 86_400)

    let check = CheckID.certificate
    let title = "certificate"
    var subject: String? { certificate }

    let certificate: String
    let key: String
    let now: WallTime

    func run() async -> [Finding] {
        let read = await OffThread.run(limit: .seconds(2)) { [certificate, key] in Self.read(certificate, key) }
        switch read {
        case .success(let tls)?: return [Self.finding(validity: tls.validity, of: certificate, now: now)]
        case .failure(let problem)?:
            return [
                Finding(
                    check, title, .error, problem.seen,
                    fix: Finding.Fix(
                        "tls.certificate is the certificate with those that lead to its issuer, tls.key its private "
                            + "key, both "
                            + "in PEM form"),
                    of: certificate)
            ]
        case nil: return [Finding(check, title, .skipped, "the files could not be read in time", of: certificate)]
        }
    }

    private struct Problem: Error { var seen: String }

    private static func read(_ certificate: String, _ key: String) -> Result<SurfaceTLS, Problem> {
        do {
            guard let chain = try BoundedFile.bytesIfPresent(certificate, limit: 1 << 20) else {
                return .failure(Problem(seen: "\(certificate) is missing"))
            }
            guard let secret = try BoundedFile.bytesIfPresent(key, limit: 1 << 20) else {
                return .failure(Problem(seen: "\(key) is missing"))
            }
            return .success(try SurfaceTLS(certificate: chain, key: secret))
        } catch let error as SurfaceTLSError {
            return .failure(Problem(seen: "\(error.code == .certificate ? certificate : key) \(error.message)"))
        } catch {
            return .failure(Problem(seen: "\(certificate) or its key cannot be read: \(error)"))
        }
    }

    static func finding(validity: ClosedRange<WallTime>?, of file: String, now: WallTime) -> Finding {
        guard let validity else { return Finding(.certificate, "certificate", .ok, "without an end", of: file) }
        let end = validity.upperBound.rfc3339.prefix(10)
        let renew = Finding.Fix("renew it and put the new one in its place; a running node takes it up by itself")
        if now < validity.lowerBound {
            return Finding(
                .certificate, "certificate", .warning,
                "is valid from \(validity.lowerBound.rfc3339.prefix(10)) on only, or this machine's clock is wrong",
                fix: renew,
                of: file)
        }
        if now > validity.upperBound {
            return Finding(.certificate, "certificate", .error, "expired on \(end)", fix: renew, of: file)
        }
        let isNear = validity.upperBound.duration(since: now) < warning
        return Finding(
            .certificate, "certificate", isNear ? .warning : .ok, "valid until \(end)", fix: isNear ? renew : nil,
            of: file)
    }
}
