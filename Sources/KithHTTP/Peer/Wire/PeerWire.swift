// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// What nodes say to each other on the peer port, both ends in one place: JSON, and for answers one JSON object a line.
package enum PeerWire {
    package static let helloPath = "/peer/v1/hello"
    package static let gossipPath = "/peer/v1/gossip"
    package static let operationsPath = "/peer/v1/operations"
    package static let statePath = "/peer/v1/state"
    package static let modelsPath = "/peer/v1/models"
    package static let generatePath = "/peer/v1/generate"
    package static let embedPath = "/peer/v1/embed"
    package static let cellHealthPath = "/peer/v1/cell/health"
    package static let cellAssistPath = "/peer/v1/cell/code-assist"
    package static let cellSyncPath = "/peer/v1/cell/sync-consciousness"
    package static let conversePath = "/peer/v1/converse"
    package static let sessionsPath = "/peer/v1/sessions"
    package static let pairingHelloPath = "/pair/v1/hello"
    package static let pairingProofPath = "/pair/v1/proof"
    package static let linesType = "application/x-ndjson"
    package static let stateType = "application/octet-stream"
    package static let gossipType = "application/octet-stream"
    /// With a request for an answer: the milliseconds until the one who asked gives up, from 1 to a day's.
    package static let timeLeftHeader = "x-kith-timeout-ms"
    /// An asked node that is still busy says so this often.
    package static let keepAlive = Duration.seconds(5)

    /// One line of an answer.
    package enum Line: Sendable {
        case event(ChatEvent)
        case verbatim(VerbatimAnswer)
        case failure(ChatFailure)
    }
}

extension PeerWire.Line: Codable {
    private enum CodingKeys: String, CodingKey { case waiting, delta, finish, usage, verbatim, error }

    private struct Verbatim: Codable {
        var contentType: String
        var text: String
        /// Left out where it cannot be used: see ``TokenUsage``.
        var engineMilliseconds: Double?

        init(_ answer: VerbatimAnswer) {
            contentType = answer.contentType
            text = String(decoding: answer.body, as: UTF8.self)
            engineMilliseconds = answer.engineTime?.milliseconds
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            contentType = try container.decode(String.self, forKey: .contentType)
            text = try container.decode(String.self, forKey: .text)
            engineMilliseconds = try? container.decodeIfPresent(Double.self, forKey: .engineMilliseconds)
        }
    }

    private struct Failure: Codable {
        var code: ChatFailure.Code
        var message: String
        var retryAfter: Double?
        var roomAfter: Double?
        var field: String?

        var meaning: ChatFailure {
            var meaning = ChatFailure(code, message, retryAfter: Self.pause(retryAfter), field: field)
            meaning.roomAfter = Self.pause(roomAfter)
            return meaning
        }

        private static func pause(_ seconds: Double?) -> Duration? {
            seconds.flatMap { (0...86_400).contains($0) ? .seconds($0) : nil }
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let delta = try container.decodeIfPresent(ChatDelta.self, forKey: .delta) {
            self = .event(.delta(delta))
        } else if let finish = try container.decodeIfPresent(FinishReason.self, forKey: .finish) {
            self = .event(.finished(finish, try container.decode(TokenUsage.self, forKey: .usage)))
        } else if let reason = try container.decodeIfPresent(WaitReason.self, forKey: .waiting) {
            self = .event(.waiting(reason))
        } else if let failure = try container.decodeIfPresent(Failure.self, forKey: .error) {
            self = .failure(failure.meaning)
        } else {
            let verbatim = try container.decode(Verbatim.self, forKey: .verbatim)
            self = .verbatim(
                VerbatimAnswer(
                    contentType: verbatim.contentType, body: Array(verbatim.text.utf8),
                    engineTime: Duration(engineMilliseconds: verbatim.engineMilliseconds)))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .event(.waiting(let reason)): try container.encode(reason, forKey: .waiting)
        case .event(.delta(let delta)): try container.encode(delta, forKey: .delta)
        case .event(.finished(let finish, let usage)):
            try container.encode(finish, forKey: .finish)
            try container.encode(usage, forKey: .usage)
        case .verbatim(let answer): try container.encode(Verbatim(answer), forKey: .verbatim)
        case .failure(let failure):
            try container.encode(
                Failure(
                    code: failure.code, message: failure.message, retryAfter: failure.retryAfter?.seconds,
                    roomAfter: failure.roomAfter?.seconds, field: failure.field),
                forKey: .error)
        }
    }

    /// This line with its end; a piece of plain text is written without an encoder.
    ///
    /// - Throws: `EncodingError`, which these types do not cause.
    package func bytes() throws -> [UInt8] {
        guard case .event(.delta(let delta)) = self, delta.toolCalls == nil, delta.reasoning == nil else {
            return try JSONBody.encodeLine(self) + [UInt8(ascii: "\n")]
        }
        var line = Array(#"{"delta":{"text":"#.utf8)
        JSONText.append(delta.text, to: &line)
        line.append(contentsOf: "}}\n".utf8)
        return line
    }
}
