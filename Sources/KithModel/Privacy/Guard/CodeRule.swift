// SPDX-License-Identifier: Apache-2.0

/// Program text and markup, which nobody needs to talk about ideas.
enum CodeRule {
    static func matches(_ scan: TextScan) -> Bool {
        let scalars = scan.scalars[...]
        if marks.contains(where: { scalars.holds($0) }) { return true }
        for (place, scalar) in scan.scalars.enumerated() {
            let next = place + 1 < scan.scalars.count ? scan.scalars[place + 1] : " "
            switch scalar {
            case "{", "}", ";":
                if scalar != ";" || next == "}" { return true }
            case "<": if next == "/" || next == "!" || next == "?" || next.isWordPart { return true }
            case "_": if place > 0, scan.scalars[place - 1].isWordPart, next.isWordPart { return true }
            default: break
            }
        }
        return false
    }

    private static let marks = [
        "```", "`", "()", "=>", "->", "==", "!=", "&&", "||", ":=", "+=", "/*", "*/", "::", "#!", "$(", "[]", "[0]",
    ]
}
