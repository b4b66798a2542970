// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// The body of `POST /sync-consciousness` as a bridge sends it on.
struct ForwardedSync: Encodable {
    /// Who says it, where nobody is named.
    static let defaultSource = "vscode-agent-laptop"

    var level: Double
    /// An object, also when there is nothing to say.
    var context: JSONObject
    var source: String

    /// Reads the level of a body that was kept.
    static func level(in body: [UInt8]) -> Double? {
        struct Level: Decodable { var level: Double }
        return try? JSONBody.decode(Level.self, from: body).level  // an unreadable body is dropped when it is sent
    }
}
