// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Answers the last user message word for word, or a completion's prompt.
///
/// A last assistant message that is the beginning of that answer is continued.
package struct EchoEngine: TestEngine {
    package let setup: TestEngineSetup

    package init(setup: TestEngineSetup = TestEngineSetup()) { self.setup = setup }

    package var kind: EngineKind { .echo }

    package func script(for request: ChatRequest) -> TestScript {
        TestScript(
            tokens: Words.split(Self.text(for: request)), limit: request.tokenLimit(default: .max),
            stop: request.sampling.stop)
    }

    private static func text(for request: ChatRequest) -> String {
        guard request.kind == .chat else { return request.messages.last?.content.text ?? "" }
        let whole = request.messages.last { $0.role == .user }?.content.text ?? ""
        guard let last = request.messages.last, last.role == .assistant else { return whole }
        let begun = last.content.text.utf8
        guard whole.utf8.starts(with: begun) else { return whole }
        return String(decoding: whole.utf8.dropFirst(begun.count), as: UTF8.self)
    }
}
