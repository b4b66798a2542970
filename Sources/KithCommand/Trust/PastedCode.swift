// SPDX-License-Identifier: Apache-2.0

import KithDialects

/// A pairing code as it comes out of a clipboard or a pipe.
package enum PastedCode {
    /// Joins lines, drops spaces and what terminals put around a paste, and makes hyphens of the dashes that programs for
    /// writing make of them. What is left the node judges.
    ///
    /// - Throws: ``CommandFailure`` with `usage` when nothing is left, or more than a code ever is.
    package static func clean(_ text: String) throws(CommandFailure) -> String {
        guard text.utf8.count <= InvitationLimits.longestCode else {
            throw CommandFailure(.usage, "that is too long to be a code; paste what kith invite printed, and only that")
        }
        let bare = text.replacing(pasteStart, with: "").replacing(pasteEnd, with: "")
        var code = String.UnicodeScalarView()
        for scalar in bare.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator: continue
            case .dashPunctuation: code.append("-")
            default: code.append(scalar)
            }
        }
        guard !code.isEmpty else {
            throw CommandFailure(.usage, "there is no code; kith invite on the other machine prints one")
        }
        return String(code)
    }

    // XTerm's bracketed paste.
    private static let pasteStart = "\u{1B}[200~"
    private static let pasteEnd = "\u{1B}[201~"
}
