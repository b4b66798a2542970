// SPDX-License-Identifier: Apache-2.0

import KithAssist
import KithInference
package import KithModel
package import KithServer
import Synchronization

/// On whose account code is looked at, and which models may do it; empty for all.
package struct AssistAccount: Sendable {
    var grant: CallerGrant
    var models: [ModelID]

    package init(grant: CallerGrant, models: [ModelID]) {
        self.grant = grant
        self.models = models
    }
}

/// Asks the best engine of the mesh about code, and manages without one.
struct EngineOpinions: Sendable {
    struct Opinion: Sendable {
        var suggestions: [String]
        var model: ModelID
        var route: RouteReport
    }

    let dispatcher: Dispatcher
    let clock: any TimeSource
    /// How long an engine is listened to.
    let limit: Duration

    /// What an engine has said so far.
    private struct Heard: Sendable {
        var text = ""
        var ending = FindingsParser.Ending.cut
        var model: ModelID?
        var route = RouteReport()
    }

    /// - Parameter deadline: When nobody waits for it any more, if that is before the limit.
    /// - Returns: `nil` when no engine said anything in time.
    /// - Throws: `CancellationError`.
    func opinion(
        on reading: CodeReading, action: AssistAction, surroundings: AssistContext, code: String,
        until deadline: MonotonicInstant? = nil, account: AssistAccount? = nil
    ) async throws -> Opinion? {
        guard reading.shownCode.contains(where: { !$0.isWhitespace }) else { return nil }
        let prompt = AssistPrompt(
            reading, action: action, language: surroundings.language, path: surroundings.path,
            cursor: surroundings.cursor)
        let heard = HeardText()
        let end = min(clock.now + limit, deadline ?? MonotonicInstant(nanoseconds: .max))
        var request = prompt.request
        request.deadline = deadline
        // An opinion is welcome, and nobody waits long for it.
        request.mayWake = false
        if let account {
            request.take(account.grant)
            request.allowedModels = account.models
        }
        do {
            try await withDeadline(end, clock: clock) { [request] in await listen(to: request, heard) }
        } catch is DeadlineExceeded {
            // What the engine has said by now counts.
        }
        try Task.checkCancellation()
        return heard.opinion(action: action, code: code)
    }

    private func listen(to request: ChatRequest, _ heard: HeardText) async {
        do {
            let routed = try await dispatcher.dispatch(request)
            heard.begin(routed)
            switch routed.body {
            case .whole(let answer): heard.add(answer.message.text, finish: answer.finish)
            case .stream(let stream):
                while let event = try await stream.next() {
                    switch event {
                    case .event(.waiting), .event(.comment), .continued: break
                    case .event(.delta(let delta)): guard heard.add(delta.text) else { return }
                    case .event(.finished(let reason, _)): heard.add("", finish: reason)
                    case .event(.raw(let events)): guard heard.add(events.text) else { return }
                    case .event(.rawEnd(let reason, _)): heard.add("", finish: reason)
                    }
                }
            case .verbatim: break
            }
        } catch {
            // What can be said without an engine is said; an answer without an engine's part shows that none answered.
        }
    }

    /// Outlives the listening, so that what was said in time is not lost with it.
    private final class HeardText: Sendable {
        private let state = Mutex(Heard())

        func begin(_ answer: RoutedAnswer) {
            state.withLock {
                $0.model = answer.model
                $0.route = answer.route
            }
        }

        /// - Returns: Whether there is room for more.
        @discardableResult
        func add(_ text: String, finish: FinishReason? = nil) -> Bool {
            state.withLock { heard in
                guard heard.text.utf8.count + text.utf8.count <= FindingsParser.inputLimit else { return false }
                heard.text += text
                if finish == .stop { heard.ending = .whole }
                return true
            }
        }

        func opinion(action: AssistAction, code: String) -> Opinion? {
            let heard = state.withLock { $0 }
            guard let model = heard.model else { return nil }
            let suggestions = FindingsParser(action: action, code: code)
                .suggestions(in: heard.text, ending: heard.ending)
            return Opinion(suggestions: suggestions, model: model, route: heard.route)
        }
    }
}

/// What an editor tells about the code besides the code itself. Members that are not what they should be are ignored:
/// the context is an open object, and different editors put different things in it.
struct AssistContext: Sendable {
    /// Of all members, sorted.
    var keys: [String] = []
    var language: String?
    var path: String?
    var cursor: AssistPrompt.Cursor?

    init(_ context: JSONValue?) {
        guard case .object(let members)? = context else { return }
        keys = members.keys.sorted()
        language = members["language"]?.stringValue
        path = members["file_path"]?.stringValue
        let position = members["cursor_position"]
        cursor = position?["line"]?.intValue.flatMap { line in
            (0...10_000_000).contains(line)
                ? AssistPrompt.Cursor(line: line, column: position?["column"]?.intValue) : nil
        }
    }
}
