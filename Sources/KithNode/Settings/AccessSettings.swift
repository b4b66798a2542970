// SPDX-License-Identifier: Apache-2.0

/// Who is let in to the listeners of clients, and how what is said stays secret on the way.
package struct AccessSettings: Hashable, Sendable {
    /// Where the certificate that clients are shown comes from.
    package enum TLS: Hashable, Sendable {
        case off
        /// The certificate by which other nodes know this one.
        case own
        /// PEM files; the paths are absolute.
        case files(certificate: String, key: String)
    }

    /// Also of programs on this machine.
    package var requiresKey: Bool
    /// Names for this machine beside `localhost`.
    package var allowedHosts: [String]
    package var tls: TLS

    package init(requiresKey: Bool = false, allowedHosts: [String] = [], tls: TLS = .off) {
        self.requiresKey = requiresKey
        self.allowedHosts = allowedHosts
        self.tls = tls
    }
}

extension AccessSettings {
    init(_ values: SettingValues, sources: SettingSources) throws(SettingProblem) {
        self.init(
            requiresKey: try values.required(.requireKey, values.boolean(.requireKey)),
            allowedHosts: values.text(.allowedHosts).map(SettingKind.entries) ?? [],
            tls: try Self.tls(values, sources: sources))
    }

    private static func tls(_ values: SettingValues, sources: SettingSources) throws(SettingProblem) -> TLS {
        let mode = values.text(.tlsMode)
        if mode == "off" { return .off }
        let certificate = values.path(.tlsCertificate, in: sources)
        let key = values.path(.tlsKey, in: sources)
        switch (certificate, key) {
        case (nil, nil): return mode == nil ? .off : .own
        case (let certificate?, let key?):
            guard mode == nil else {
                throw values.refusal(.tlsMode, "it cannot be \"own\" with tls.certificate; take one of the two away")
            }
            return .files(certificate: certificate, key: key)
        case (_?, nil):
            throw values.refusal(.tlsCertificate, "its private key is missing; set tls.key (--tls-key) too")
        case (nil, _?):
            throw values.refusal(.tlsKey, "its certificate is missing; set tls.certificate (--tls-cert) too")
        }
    }
}
