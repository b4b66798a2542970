// SPDX-License-Identifier: Apache-2.0

/// Paths of files on any system, and names of files by their endings.
enum PathRule {
    static func matches(_ scan: TextScan) -> Bool { scan.pieces.contains(where: isPath) }

    private static func isPath(_ piece: TextScan.Piece) -> Bool {
        if piece.starts(with: "~/") || piece.starts(with: "./") || piece.starts(with: "../") { return true }
        if piece.contains("\\") { return true }
        let steps = piece.parts(at: "/")
        if steps.count >= 2, steps[0].isEmpty, steps[1].contains(where: \.isWordPart) { return true }
        // "and/or", "he/she/they" are words; a path of that many steps has other characters in it, or is deeper.
        if steps.count >= 4 { return true }
        if steps.count == 3, steps.contains(where: { $0.contains { !$0.isWordPart } || $0.contains(where: \.isDigit) })
        {
            return true
        }
        return steps.last.map(isFileName) ?? false
    }

    private static func isFileName(_ piece: TextScan.Piece) -> Bool {
        let parts = piece.parts(at: ".")
        guard parts.count >= 2, let ending = parts.last else { return false }
        // "D.C." is no file of C.
        let hasName = parts.dropLast().contains { $0.count > 1 || !$0.isEmpty && ending.count > 1 }
        return endings.contains(ending.text) && (hasName || piece.first == ".")
    }

    private static let endings: Set<String> = [
        "swift", "py", "js", "ts", "tsx", "jsx", "java", "kt", "rs", "go", "c", "h", "cpp", "hpp", "cs", "rb", "php",
        "sh",
        "ps1", "bat", "sql", "db", "sqlite", "json", "yaml", "yml", "toml", "ini", "cfg", "conf", "env", "xml", "html",
        "css", "csv", "tsv", "xls", "xlsx", "doc", "docx", "odt", "ppt", "pptx", "pdf", "txt", "md", "rtf", "log",
        "pem",
        "key", "crt", "p12", "pfx", "kdbx", "zip", "tar", "gz", "png", "jpg", "jpeg", "gif", "heic", "mp3", "mp4",
        "mov",
        "wav", "exe", "dll", "dmg", "iso", "gitignore",
    ]
}
