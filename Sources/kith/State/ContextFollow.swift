// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore

struct ContextFollow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Print each change of what you are working on, until Ctrl-C.",
        discussion: """
            Goes on when the node was started anew, with what has changed meanwhile.

            EXAMPLES:
              kith context watch
              kith context watch --json | jq .key
            """)

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print each change as one line of JSON.")
    var json = false

    func run() async throws {
        let watching = Watching(wayBack: try node.wayBack(), output: json ? .json : .text)
        do {
            try await Interruption.cancelling { try await watching.run() }
        } catch let failure as CommandError where failure.status == .interrupted {
            return  // how watching ends
        }
    }
}

/// Follows a node's context through any number of connections.
private struct Watching: Sendable {
    enum Output: Sendable { case text, json }

    /// Longer than the node is ever silent.
    private static let silence = Duration.seconds(45)

    let wayBack: @Sendable () throws -> NodeClient
    let output: Output

    func run() async throws {
        var watch = ContextWatch()
        var isBegun = false
        var isWaiting = false
        var backoff = Backoff(initial: .milliseconds(250), maximum: .seconds(4))
        while true {
            do {
                try await follow(&watch) {
                    Terminal.note(Terminal.errorStyle.dim(isBegun ? "the node is back" : "watching; Ctrl-C ends it"))
                    isBegun = true
                    isWaiting = false
                    backoff.reset()
                }
            } catch let failure as CommandError where isBegun && Self.mayPass(failure) {
                if !isWaiting { Terminal.note("waiting for the node: \(failure.message)") }
                isWaiting = true
            }
            try await MonotonicClock().sleep(for: backoff.next())
        }
    }

    /// Follows the events until the connection ends.
    private func follow(_ watch: inout ContextWatch, onBegin: () -> Void) async throws {
        let client = try wayBack()
        let body = try await client.follow("/api/events?kinds=context", silence: Self.silence)
        var decoder = ServerSentEventDecoder()
        do {
            // After the stream has begun, so that nothing is missed between the two.
            try await look(client, &watch)
            onBegin()
            for try await piece in body {
                try await look(client, &watch, after: try decoder.feed(piece.readableBytesView))
            }
        } catch let failure as ChatError {
            throw CommandError(.cutOff, failure.message)
        }
    }

    private func look(_ client: NodeClient, _ watch: inout ContextWatch) async throws {
        for change in watch.take(try await Context.all(from: client)) { try show(change) }
    }

    /// Looks at the keys that the events are about: the node may send less than there is, but nothing that is out of
    /// date.
    private func look(_ client: NodeClient, _ watch: inout ContextWatch, after events: [ServerSentEvent]) async throws {
        guard let keys = ContextWatch.keys(in: events) else { return try await look(client, &watch) }
        for key in keys {
            let entry = try await client.find(StateMessage.ContextEntry.self, Context.path(key))
            if let change = watch.take(key, entry) { try show(change) }
        }
    }

    private func show(_ change: ContextWatch.Change) throws {
        switch output {
        case .text: try Terminal.printLines([change.line(style: Terminal.style)])
        case .json:
            try Terminal.write(
                TerminalText(json: String(decoding: try JSONBody.encodeLine(change), as: UTF8.self) + "\n"))
        }
    }

    private static func mayPass(_ failure: CommandError) -> Bool {
        switch failure.status {
        case .nodeUnreachable, .notAnswered, .cutOff: true
        case .ok, .failed, .errorsFound, .usage, .interrupted, .outputClosed: false
        }
    }
}
