// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithAlerts
import KithDialects
import KithModel
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What webhooks are told, signed as Standard Webhooks says (https://www.standardwebhooks.com, version 1).
struct WebhookMessage: Sendable {
    let id: String
    let body: [UInt8]

    /// - Parameters:
    ///   - secret: Without one the message is not signed.
    ///   - now: A receiver refuses what is old, so that nobody can send it again later.
    func headers(secret: Secret?, now: WallTime) -> HTTPHeaders {
        let time = String(now.milliseconds / 1_000)
        var headers: HTTPHeaders = ["webhook-id": id, "webhook-timestamp": time]
        if let secret { headers.add(name: "webhook-signature", value: "v1," + signature(secret, time)) }
        return headers
    }

    private func signature(_ secret: Secret, _ time: String) -> String {
        let signed = Array("\(id).\(time).".utf8) + body
        let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: Self.key(secret)))
        return Data(code).base64EncodedString()
    }

    /// After `whsec_` stands a key in base64, as tools for Standard Webhooks make it; any other text is the key itself.
    private static func key(_ secret: Secret) -> Data {
        let text = secret.reveal()
        let prefix = "whsec_"
        if text.hasPrefix(prefix), let key = Data(base64Encoded: String(text.dropFirst(prefix.count))) { return key }
        return Data(text.utf8)
    }
}

extension WebhookMessage {
    /// - Parameter speaker: The node that tells.
    init(_ notice: AlertNotice, speaker: NodeID, named name: NodeName) throws {
        id = notice.id
        let fields: JSONObject = [
            "id": .string(notice.id), "fingerprint": .string(notice.key.fingerprint),
            "alert": .string(notice.key.condition.rawValue), "state": .string(notice.phase.rawValue),
            "severity": .string(notice.severity.rawValue), "text": .string(notice.sentence),
            "detail": .string(notice.detail),
            "subject": ["id": .string(notice.key.subject.description), "name": .string(notice.name.rawValue)],
            "since": .string(notice.incident.rfc3339),
            "until": notice.resolvedAt.map { .string($0.rfc3339) } ?? .null,
            "node": ["id": .string(speaker.description), "name": .string(name.rawValue)],
        ]
        body = try JSONBody.encode(JSONValue.object(fields))
    }
}
