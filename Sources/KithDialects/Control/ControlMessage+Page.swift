// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ControlMessage {
    /// The answer to `GET /api/page/session`: who asks, and what they may do.
    package struct PageSession: Codable, Hashable, Sendable {
        package enum Caller: String, Codable, Hashable, Sendable {
            /// May do nothing before it shows a key.
            case nobody
            /// On this machine, without a key.
            case local
            case owner
            case key
        }

        package var caller: Caller
        /// Of the key.
        package var name: String?
        package var scopes: [Scope]
        /// Whether the browser shows the cookie of a session.
        package var signedIn: Bool
        /// Told once, at the sign-in: the half of the session's word that the page keeps and sends in `x-kith-page`.
        package var proof: String?
        /// This node's name and version; missing for nobody.
        package var node: String?
        package var version: String?

        package init(
            caller: Caller, name: String? = nil, scopes: [Scope], signedIn: Bool, node: String? = nil,
            version: String? = nil
        ) {
            self.caller = caller
            self.name = name
            self.scopes = scopes
            self.signedIn = signedIn
            self.node = node
            self.version = version
        }

        private enum CodingKeys: String, CodingKey {
            case caller, name, scopes, node, version, proof
            case signedIn = "signed_in"
        }
    }

    /// The answer to `POST /api/page/links`: the path that signs a browser in once.
    package struct PageLink: Codable, Hashable, Sendable {
        package var path: String
        package var expiresSeconds: Int

        package init(path: String, expiresSeconds: Int) {
            self.path = path
            self.expiresSeconds = expiresSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case path
            case expiresSeconds = "expires_seconds"
        }
    }
}
