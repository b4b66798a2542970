// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What to type on another machine to use a key there, with the node's certificate checked.
package struct KeyUse: Sendable {
    private let url: String
    private let host: String
    private let authority: String

    /// - Parameters:
    ///   - address: Where the node listens, as it says itself.
    ///   - hostName: The name of the node's machine.
    ///   - authority: The file of the authority that vouches for the node's certificate.
    /// - Returns: `nil` for a node that other machines do not reach.
    package init?(address: String, hostName: String, authority: String) {
        guard let address = HTTPAddress(address), address.scheme == .https else { return nil }
        var reached = address
        switch address.host {
        case "127.0.0.1", "::1", "localhost": return nil
        case "0.0.0.0", "::":
            guard !hostName.isEmpty else { return nil }
            // Names without a domain are found by mDNS.
            reached.host = hostName.contains(".") ? hostName : hostName + ".local"
        default: break
        }
        url = "\(reached)"
        host = reached.host
        self.authority = authority
    }

    /// Of a node that listens for its own machine only.
    package static let notReached =
        "programs on other machines do not reach this node, which listens here only: docs/keys.md says how to open it"

    package var lines: [String] {
        [
            "on another machine, with the key in KITH_KEY and a copy of \(authority.printable):",
            "  curl --cacert authority.pem -H \"Authorization: Bearer $KITH_KEY\" \(url)/v1/models",
            "  SSL_CERT_FILE=authority.pem OPENAI_BASE_URL=\(url)/v1 OPENAI_API_KEY=$KITH_KEY python3 …",
            "where \(host) is not found, an address of this machine does too",
        ]
    }
}
