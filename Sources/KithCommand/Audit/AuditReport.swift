// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// Lines of the audit trail, for people.
package struct AuditReport: TextReport, Sendable {
    private let entries: [AuditMessage.Line]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ entries: [AuditMessage.Line], width: Int?, style: TerminalStyle) {
        self.entries = entries
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !entries.isEmpty else { return ["nothing of the kind is in the audit trail"] }
        var table = TextTable([
            .init("TIME", .useful), .init("KIND", .first), .init("TIMES", .extra, .right),
            .init("SOURCE", .needed, least: 15), .init("SUBJECT", .extra), .init("REASON", .useful, least: 16),
        ])
        for entry in entries { table.add(Self.cells(entry)) }
        return table.lines(width: width, style: style)
    }

    /// One line that comes while the trail is followed.
    package static func line(_ entry: AuditMessage.Line, style: TerminalStyle) -> String {
        let words = cells(entry).dropFirst(2).filter { $0 != "-" && $0 != "1" }.joined(separator: "  ")
        return
            "\(style.dim(TimeText.minute(entry.at).printable)) \(style.bold(entry.kind.printable)) \(words.printable)"
    }

    private static func cells(_ entry: AuditMessage.Line) -> [String] {
        [
            TimeText.minute(entry.at), entry.kind, "\(entry.count)", entry.source ?? "-",
            entry.subject.map { String($0.prefix(12)) } ?? "-", entry.reason,
        ]
    }
}

/// The query of `kith audit`, from the flags of its command line.
package enum AuditFlags {
    /// - Parameters:
    ///   - kinds: Kinds, or the words before their dots, with commas between them.
    ///   - since: How long ago at most, such as `2h`.
    /// - Throws: ``CommandError`` with `usage`.
    package static func path(
        kinds: String?, source: String?, since: String?, count: Int, now: WallTime
    ) throws(CommandError) -> String {
        var query = ["n=\(count)"]
        if let kinds { query.append("kind=" + (try kindNames(kinds)).joined(separator: ",")) }
        if let source { query.append("source=" + PathSegment.escaped(source)) }
        if let since {
            let age = try Lifetime(since, flag: "--since", within: 1...315_360_000)
            query.append("since=" + PathSegment.escaped(now.advanced(by: .seconds(-age.seconds)).rfc3339))
        }
        return "/api/audit?" + query.joined(separator: "&")
    }

    private static func kindNames(_ text: String) throws(CommandError) -> [String] {
        var names: [String] = []
        for word in text.split(separator: ",").map(String.init) {
            let found = AuditRecord.Kind.allCases.map(\.rawValue).filter { $0 == word || $0.hasPrefix(word + ".") }
            guard !found.isEmpty else {
                let all = AuditRecord.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandError(
                    .usage, "--kind must be one of \(all); it is '\(word.printable.truncated(toWidth: 40))'")
            }
            names += found
        }
        return names
    }
}
