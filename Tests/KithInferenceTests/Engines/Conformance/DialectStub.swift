// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting

/// What the stubs of all dialects do: they count, in the shapes that real servers were seen to send.
enum DialectStub {
    static let model: ModelID = "stub-model:1b"
    /// A prompt that is answered by one token and then silence.
    static let endless = "never end"

    struct Wanted {
        var tokens: [String]
        var isCut: Bool
        var isEndless: Bool
        /// Whether the model is one that the stub has.
        var isKnown: Bool
    }

    static func json(_ request: StubRequest) -> JSONValue {
        JSONValue(json: String(decoding: request.body, as: UTF8.self)) ?? .null
    }

    static func wanted(_ body: JSONValue, limit: Int?, stop: [JSONValue], prompt: String) -> Wanted {
        let script = TestScriptForStub(limit: limit ?? 12, stops: stop.compactMap(\.stringValue))
        return Wanted(
            tokens: script.tokens, isCut: script.isCut, isEndless: prompt == endless,
            isKnown: body["model"]?.stringValue == model.rawValue)
    }

    static func vectors(_ body: JSONValue) -> [JSONValue] {
        (body["input"]?.arrayValue ?? []).map { input in
            let isLong = (input.stringValue ?? "").utf8.count % 2 == 0
            return isLong ? [0.6, 0.8] : [0.8, 0.6]
        }
    }
}

/// Ten words, cut where the request says.
private struct TestScriptForStub {
    var tokens: [String] = []
    var isCut = false

    init(limit: Int, stops: [String]) {
        var text = ""
        for number in 1...10 {
            guard tokens.count < limit else {
                isCut = true
                return
            }
            let token = number == 1 ? "1" : " \(number)"
            if let stop = stops.first(where: { (text + token).contains($0) }) {
                let kept = (text + token).split(separator: stop, omittingEmptySubsequences: false)[0]
                let rest = kept.dropFirst(text.count)
                if !rest.isEmpty { tokens.append(String(rest)) }
                return
            }
            text += token
            tokens.append(token)
        }
    }
}
