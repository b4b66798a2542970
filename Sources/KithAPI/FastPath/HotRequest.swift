// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithServer
import NIOHTTP1

/// The head of a request to the ``HotRoute``, as far as it counts there.
struct HotRequest: Sendable {
    static let path = "/v1/chat/completions"
    let key: PresentedKey?
    let host: String
    /// The fields by which a client says what it wishes; see ``NodeServices/dispatch(_:headers:)``.
    let wishes: HTTPFields

    /// - Parameter bodyLimit: Bytes of a body that is taken.
    /// - Returns: `nil` for every other request, and for one that is unusual in any way: the framework knows what to do
    ///   with those.
    init?(_ head: HTTPRequestHead, bodyLimit: Int) {
        guard head.method == .POST, head.uri == Self.path, head.version == .http1_1 else { return nil }
        var (length, host, authorization, apiKey) = (Int?.none, String?.none, String?.none, String?.none)
        var wishes = HTTPFields()
        for (name, value) in head.headers {  // once over them: each look-up by name would do the same
            switch name.lowercased() {
            case "expect", "upgrade", "origin", "sec-fetch-site": return nil  // a page in a browser asks
            case "connection": guard value.lowercased() == "keep-alive" else { return nil }
            case "content-type": guard MediaTypes.isJSON(value) else { return nil }
            case "content-length":
                guard length == nil, let bytes = Int(value), (0...max(0, bodyLimit)).contains(bytes) else { return nil }
                length = bytes
            case "host":
                guard host == nil else { return nil }
                host = value
            case "authorization":
                guard authorization == nil else { return nil }
                authorization = value
            case "x-api-key":
                guard apiKey == nil else { return nil }
                apiKey = value
            case let other where other.hasPrefix("x-kith-"):
                guard let name = HTTPField.Name(other), HTTPField.isValidValue(value) else { return nil }
                wishes.append(HTTPField(name: name, value: value))
            default: break
            }
        }
        guard length != nil, let host else { return nil }
        key = PresentedKey(authorization: authorization, apiKey: apiKey)
        self.host = host
        self.wishes = wishes
    }
}
