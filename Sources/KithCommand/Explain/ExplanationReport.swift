// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Explanations for people.
package enum ExplanationReport {
    /// Everything, a table for each place.
    package static func lines(width: Int?, style: TerminalStyle) -> [String] {
        let tables = ExplanationGroup.all.flatMap { group in
            var table = TextTable([
                .init("CODE", .first), .init("MEANING", .needed, least: 20), .init("WHAT TO DO", .needed, least: 20),
            ])
            for one in group.explanations { table.add([one.code, one.meaning, one.remedy]) }
            return [style.bold(group.title)] + table.lines(width: width, style: style) + [""]
        }
        return tables + ["kith explain CODE says all of one of them"]
    }

    /// - Throws: ``CommandError`` with `usage` for a code that is none.
    package static func lines(_ code: String, style: TerminalStyle) throws(CommandError) -> [String] {
        let found = ExplanationGroup.find(code)
        guard !found.isEmpty else {
            let names = ExplanationGroup.all.flatMap { $0.explanations.map(\.code) }
            let nearest = NameSuggestion.nearest(to: code, among: names, limit: 2)
            let hint = nearest.map { "; did you mean \($0)?" } ?? "; kith explain lists all"
            throw CommandError(.usage, "'\(code.printable.truncated(toWidth: 40))' is no code of kith's\(hint)")
        }
        return found.flatMap { group, one in
            [style.bold(one.code) + style.dim("  " + group.title.lowercased()), "  " + one.meaning, "  " + one.remedy]
        }
    }
}
