// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel
import KithNode

/// The keys of clients, for people.
package struct KeysReport: TextReport, Sendable {
    private let keys: [ControlMessage.Key]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ keys: [ControlMessage.Key], width: Int?, style: TerminalStyle) {
        self.keys = keys
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !keys.isEmpty else { return ["no keys; kith key create makes one"] }
        let showsUse = keys.contains { $0.tokensToday != nil }
        let showsLimits = keys.contains { $0.limits.map(Self.words) ?? "-" != "-" }
        var columns: [TextTable.Column] = [
            .init("ID", .first), .init("NAME", .needed, least: 16), .init("SCOPES", .useful, least: 10),
            .init("STATE", .needed), .init("CREATED", .extra), .init("EXPIRES", .useful),
        ]
        if showsUse { columns.append(.init("TOKENS TODAY", .extra, .right)) }
        if showsLimits { columns.append(.init("LIMITS", .useful, least: 16)) }
        var table = TextTable(columns)
        for key in keys {
            var row = [
                key.id, key.name, Self.list(key), key.state.rawValue, TimeText.minute(key.createdAt),
                key.expiresAt.map(TimeText.minute) ?? "never",
            ]
            if showsUse { row.append(key.tokensToday.map(String.init) ?? "-") }
            if showsLimits { row.append(key.limits.map(Self.words) ?? "-") }
            table.add(row)
        }
        return table.lines(width: width, style: style)
    }

    /// The lines for standard error that go with a new key.
    package static func notes(_ key: ControlMessage.Key) -> [String] {
        let end = key.expiresAt.map { "until \(TimeText.minute($0))" } ?? "until it is revoked"
        let limits = key.limits.map(words) ?? "-"
        return [
            "this is shown once: keep it where the client finds it, as KITH_KEY or OPENAI_API_KEY",
            "it may \(list(key)), \(end); kith key revoke \(key.id.printable) ends it at once",
        ] + (limits == "-" ? [] : ["its limits: \(limits)"])
    }

    private static func words(_ limits: ControlMessage.Limits) -> String {
        var words: [String] = []
        if let rate = limits.rate { words.append(rate) }
        if let tokens = limits.tokensPerDay { words.append("\(tokens) tokens/day") }
        if let concurrent = limits.concurrent { words.append("\(concurrent) at once") }
        if limits.priority == RequestPriority.batch.rawValue { words.append("batch") }
        if let models = limits.models, !models.isEmpty { words.append("models " + models.joined(separator: " ")) }
        if let addresses = limits.addresses, !addresses.isEmpty {
            words.append("from " + addresses.joined(separator: " "))
        }
        return words.isEmpty ? "-" : words.joined(separator: ", ").printable
    }

    package static func revoked(_ key: ControlMessage.Key) -> [String] {
        ["revoked \(key.id.printable) (\(key.name.printable)); requests with it are refused from now on"]
    }

    private static func list(_ key: ControlMessage.Key) -> String {
        key.scopes.map(\.rawValue).joined(separator: ", ")
    }
}

/// The request for a client's key, from the flags of a command line.
package enum KeyFlags {
    /// Ten years, in seconds.
    private static let lifetimes = 1...315_360_000
    private static let longestName = 128

    /// - Parameters:
    ///   - scopes: Separated by commas; may be repeated.
    ///   - expires: `30d`; with `nil` the key is valid until it is revoked.
    /// - Throws: ``CommandError`` with `usage`.
    package static func request(
        name: String, scopes: [String], expires: String?, limits: ControlMessage.Limits = ControlMessage.Limits()
    ) throws(CommandError) -> ControlMessage.KeyRequest {
        guard (1...longestName).contains(name.utf8.count), name.printable == name else {
            throw CommandError(.usage, "--name must have 1 to \(longestName) bytes and no control characters")
        }
        var wanted: Set<Scope> = []
        for text in scopes.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            wanted.insert(try scope(String(text.filter { $0 != " " })))
        }
        guard !wanted.isEmpty else { throw CommandError(.usage, "--scope must name at least one of \(all)") }
        var seconds: Int?
        if let expires { seconds = try Lifetime(expires, flag: "--expires", within: lifetimes).seconds }
        do {
            _ = try limits.checked()
        } catch {
            throw CommandError(.usage, flagged(error.message))
        }
        return ControlMessage.KeyRequest(
            name: name, scopes: Scope.allCases.filter(wanted.contains), expiresSeconds: seconds,
            limits: limits == ControlMessage.Limits() ? nil : limits)
    }

    /// A sentence about a member of the request as one about the flag that sets it.
    private static func flagged(_ message: String) -> String {
        let flags = [
            ("'rate'", "--rate"), ("'tokens_per_day'", "--tokens-per-day"), ("'concurrent'", "--concurrent"),
            ("'priority'", "--priority"), ("'models'", "--models"), ("'addresses'", "--allow"),
        ]
        return flags.reduce(message) { $0.hasPrefix($1.0) ? $1.1 + $0.dropFirst($1.0.count) : $0 }
    }

    /// The entries of a flag that takes several, with commas between them, and may be repeated; `nil` for none.
    package static func entries(_ texts: [String]) -> [String]? {
        let entries = texts.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        return entries.isEmpty ? nil : entries.map { String($0.filter { $0 != " " }) }
    }

    private static func scope(_ text: String) throws(CommandError) -> Scope {
        if let scope = Scope(rawValue: text.lowercased()) { return scope }
        let nearest = NameSuggestion.nearest(to: text, among: Scope.allCases.map(\.rawValue), limit: 2)
        let hint = nearest.map { "; did you mean \($0)?" } ?? "; there are \(all)"
        throw CommandError(.usage, "there is no scope '\(text.printable.truncated(toWidth: 40))'\(hint)")
    }

    private static var all: String { Scope.allCases.map(\.rawValue).joined(separator: ", ") }
}

/// Which key is meant by an id or a name.
package enum KeyChoice {
    /// Ids are looked at before names. A name must be that of exactly one key that has not been revoked.
    ///
    /// - Throws: ``CommandError`` when there is none, or there are several.
    package static func find(
        _ text: String, in keys: [ControlMessage.Key]
    ) throws(CommandError) -> ControlMessage.Key {
        if let key = keys.first(where: { $0.id == text }) { return key }
        let named = keys.filter { $0.name == text && $0.state != .revoked }
        let shown = text.printable.truncated(toWidth: 40)
        if named.count > 1 {
            let ids = named.prefix(8).map(\.id.printable).joined(separator: ", ")
            throw CommandError(.usage, "several keys are called \(shown); name one by its id: \(ids)")
        }
        guard let key = named.first else {
            throw CommandError(.notAnswered, "there is no key \(shown); kith key list lists them")
        }
        return key
    }
}
