// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport

/// What the commands that ask a node are told.
package struct ClientSettings: Sendable {
    package var node: HTTPAddress
    /// Whether a flag or the environment names the node; else it is the default one.
    package var isNamed: Bool
    package var key: Secret?
    package var pin: CertificatePin?

    /// - Throws: ``SettingProblem`` when the address, the key or the fingerprint is none.
    package init(url: String?, environment: [String: String]) throws(SettingProblem) {
        let names = Set(SettingDefinition.client.flatMap(\.environmentNames))
        let own = environment.filter { names.contains($0.key) }
        let surroundings = Surroundings(currentDirectory: "/", homeDirectory: "/", hostName: "")
        let values = try SettingValues(
            SettingSources(
                flags: url.map { [.nodeURL: $0] } ?? [:], environment: own, surroundings: surroundings))
        node = try values.required(.nodeURL, values.text(.nodeURL).flatMap(HTTPAddress.init))
        isNamed = values.isSet(.nodeURL)
        key = values.secret(.nodeKey)
        pin = values.text(.nodeFingerprint).flatMap(CertificatePin.init(fingerprint:))
    }
}
