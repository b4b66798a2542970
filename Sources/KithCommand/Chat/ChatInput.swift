// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A line of `kith chat`: something to say, or a command.
package enum ChatInput: Hashable, Sendable {
    case say(String)
    /// `nil` stands for whatever the mesh offers.
    case model(ModelID?)
    /// `nil` stands for any.
    case node(NodeName?)
    /// Who answered last, and why.
    case route
    case file(String)
    case history
    /// A conversation of that name; `nil` begins a new one.
    case session(SessionID?)
    case help
    case quit
    case nothing
    /// Why a command cannot be done.
    case refused(String)

    package static let commands = [
        "/model NAME     the model to ask from now on; /model alone leaves it to your machines",
        "/node NAME      the machine to ask from now on; /node alone leaves it to them",
        "/route          who answered last, why, and why not the others",
        "/file PATH      a file that goes with what you say next: text, or a picture for a model that sees",
        "/history        what was said",
        "/session NAME   go on with another conversation; /new begins one",
        "/quit           end, as do Ctrl-D and, here, Ctrl-C; Ctrl-C stops an answer",
        "a line that ends with \\ goes on in the next one; a line that begins with // says a /",
    ]

    /// - Parameter line: Without its end.
    package init(_ line: String) {
        let text = line.trimmingWhitespace
        guard text.hasPrefix("/"), !text.hasPrefix("//") else {
            self = text.isEmpty ? .nothing : .say(text.hasPrefix("//") ? String(text.dropFirst()) : text)
            return
        }
        let parts = text.dropFirst().split(separator: " ", maxSplits: 1)
        let rest = parts.count > 1 ? String(parts[1]).trimmingWhitespace : ""
        switch parts.first.map({ $0.lowercased() }) ?? "" {
        case "model": self = rest.isEmpty || rest == "auto" ? .model(nil) : .model(ModelID(rest))
        case "node":
            if rest.isEmpty || rest == "any" {
                self = .node(nil)
            } else {
                self = NodeName(rest).map { .node($0) } ?? .refused("'\(rest.printable)' is not a machine's name")
            }
        case "route": self = .route
        case "file": self = rest.isEmpty ? .refused("which file? /file PATH") : .file(rest)
        case "history": self = .history
        case "session":
            self = SessionID(rest).map { .session($0) } ?? .refused("which conversation? kith session list lists them")
        case "new": self = .session(nil)
        case "help", "?": self = .help
        case "quit", "exit", "bye": self = .quit
        case let word: self = .refused("there is no command /\(word.printable); /help lists them")
        }
    }
}

/// Lines until what is said is whole: one that ends with a backslash goes on.
package struct ChatLines: Sendable {
    private var lines: [String] = []

    package init() {}

    package var isWithin: Bool { !lines.isEmpty }

    /// - Returns: What was said, when the line ends it.
    package mutating func take(_ line: String) -> String? {
        if line.hasSuffix("\\") {
            lines.append(String(line.dropLast()))
            return nil
        }
        defer { lines = [] }
        return (lines + [line]).joined(separator: "\n")
    }
}

extension String {
    fileprivate var trimmingWhitespace: String {
        let tail = drop { $0.isWhitespace }
        return String(tail.reversed().drop { $0.isWhitespace }.reversed())
    }
}
