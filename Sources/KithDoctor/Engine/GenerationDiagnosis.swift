// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import NIOHTTP1

/// Whether the engine of the running node really answers: a few tokens through the node's own route.
struct GenerationDiagnosis: Diagnosis {
    static let tokens = 8
    /// A slow machine with a large model makes a few tokens a second.
    static let patience = Duration.seconds(10)

    let check = CheckID.generation
    let title = "generation"
    var limit: Duration { Self.patience + .seconds(2) }

    let access: NodeAccess
    /// The node's name, so that no kin answers in its place.
    let node: String
    let kind: String
    let clock: any TimeSource

    func run() async -> [Finding] {
        let start = clock.now
        do {
            let (status, json) = try await access.post(
                "/v1/chat/completions",
                [
                    "model": "auto", "max_tokens": .integer(Int64(Self.tokens)),
                    "messages": [["role": "user", "content": "Answer with one word: are you there?"]],
                ], headers: ["x-kith-node": node], limit: Self.patience)
            return [Self.finding(status: status, json: json, took: clock.now - start, kind: kind)]
        } catch {
            let why = (error as? ChatFailure)?.message ?? "the node did not answer"
            return [
                Finding(
                    check, title, .error, "no answer within \(Self.patience.shortText): \(why)",
                    fix: EngineRemedy.start(kind), of: kind)
            ]
        }
    }

    static func finding(status: Int, json: JSONValue?, took: Duration, kind: String) -> Finding {
        let text = json?["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue ?? ""
        if status == 200 {
            guard !text.isEmpty else {
                return Finding(
                    .generation, "generation", .notice, "the engine answered, and said nothing", of: kind, took: took)
            }
            let count = json?["usage"]?["completion_tokens"]?.intValue.map { "\($0) tokens" } ?? "an answer"
            return Finding(.generation, "generation", .ok, "\(count) in \(took.shortText)", of: kind)
        }
        let why = json?["error"]?["message"]?.stringValue ?? json?["error"]?.stringValue ?? "status \(status)"
        if status == 429 || status == 503, why.contains("busy") || why.contains("queue") {
            return Finding(.generation, "generation", .notice, "the engine is busy with other requests", of: kind)
        }
        return Finding(
            .generation, "generation", .error, "the engine did not answer: \(why.prefix(300))",
            fix: EngineRemedy.start(kind),
            of: kind)
    }
}
