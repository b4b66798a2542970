// SPDX-License-Identifier: Apache-2.0

package import KithDoctor

/// What the doctor found, for people: a line for each thing, below a fault how to fix it, and the most probable cause
/// last, where it is seen best.
package struct DoctorText: TextReport, Sendable {
    private static let titleWidths = 12...26

    private let report: DoctorReport
    private let width: Int
    private let style: TerminalStyle

    /// - Parameter width: Columns of the terminal; `nil` wraps at 100 columns.
    package init(_ report: DoctorReport, width: Int?, style: TerminalStyle) {
        self.report = report
        self.width = max(40, width ?? 100)
        self.style = style
    }

    package var lines: [String] {
        let sections = report.sections.map { (title: $0.title, lines: DoctorLine.lines(of: $0)) }
        let widest = sections.flatMap(\.lines).map(\.title.displayWidth).max() ?? 0
        let titleWidth = min(max(widest, Self.titleWidths.lowerBound), Self.titleWidths.upperBound, width / 3)
        return heading
            + sections.flatMap { section in
                ["", style.bold(section.title.printable)] + section.lines.flatMap { lines($0, titleWidth: titleWidth) }
            } + [""] + closing
    }

    private var heading: [String] {
        guard let folder = report.subject.dataDirectory else { return [] }
        let name = style.bold((report.subject.name ?? "node").printable)
        let state = report.subject.isRunning ? "running" : "not running"
        return ["\(name)  \(state), kith \(report.subject.version), files in \(folder.printable)"]
    }

    // MARK: Findings

    private func lines(_ line: DoctorLine, titleWidth: Int) -> [String] {
        let lead = titleWidth + 6
        let title = line.title.printable.truncated(toWidth: titleWidth)
        let gap = String(repeating: " ", count: max(0, titleWidth - title.displayWidth) + 2)
        let space = String(repeating: " ", count: lead)
        let words = wrapped(line.words.printable, indent: lead)
        let shown = line.severity == .skipped ? words.map(style.dim) : words
        let passed = line.passed.map { wrapped($0.printable, indent: lead).map { space + style.dim($0) } } ?? []
        return ["  \(mark(line.severity)) \(title)\(gap)\(shown.first ?? "")"] + shown.dropFirst().map { space + $0 }
            + passed + (line.fix.map { fix($0, space: space) } ?? [])
    }

    private func fix(_ fix: Finding.Fix, space: String) -> [String] {
        let words = wrapped(fix.sentence.printable, indent: space.count + 2)
        let sentence = words.enumerated().map { space + ($0.offset == 0 ? style.bold("→") + " " : "  ") + $0.element }
        return sentence + (fix.command.map { ["\(space)  \(style.cyan($0.printable))"] } ?? [])
    }

    private func mark(_ severity: Finding.Severity) -> String {
        switch severity {
        case .ok: style.green("✓")
        case .notice: style.cyan("i")
        case .warning: style.yellow("!")
        case .error: style.red("✗")
        case .skipped: style.dim("–")
        }
    }

    private func wrapped(_ text: String, indent: Int) -> [String] {
        text.wrapped(toWidth: max(16, width - indent))
    }

    // MARK: The end

    private var closing: [String] {
        let causes = report.causes
        guard let first = causes.first else {
            let notices = report.count(.notice)
            let more = notices == 0 ? "" : ", \(notices) \(notices == 1 ? "thing" : "things") worth knowing"
            guard let absence else {
                return [style.green("All is well") + more + "; looked at in \(report.duration.shortText)."]
            }
            return [absence, "No fault was found" + more + "; looked at in \(report.duration.shortText)."]
        }
        let counts = [
            Self.counted(report.count(.error), "error"), Self.counted(report.count(.warning), "warning"),
        ].compactMap { $0 }.joined(separator: " and ")
        let subject = first.subject.map { seen in first.seen.contains(seen) ? "" : "\(seen): " } ?? ""
        let cause = wrapped("Most probable cause: " + Self.sentence(subject + first.seen), indent: 0)
        let head = cause.enumerated().map { $0.offset == 0 ? emphasised($0.element) : $0.element }
        // Most of what else there is has to do with that.
        return [absence].compactMap { $0 } + ["\(counts); looked at in \(report.duration.shortText)."] + head
            + (first.fix.map(closingFix) ?? [])
    }

    /// The next step where no node runs: nothing of the above helps without one.
    private var absence: String? {
        guard report.subject.dataDirectory != nil, !report.subject.isRunning else { return nil }
        return style.bold("No node runs here:") + " kith setup starts one."
    }

    private func emphasised(_ line: String) -> String {
        let lead = "Most probable cause:"
        guard line.hasPrefix(lead) else { return line }
        return style.bold(lead) + line.dropFirst(lead.count)
    }

    private func closingFix(_ fix: Finding.Fix) -> [String] {
        let words = wrapped("Mend it: " + Self.sentence(fix.sentence), indent: 0)
        return words + (fix.command.map { ["  " + style.cyan($0.printable)] } ?? [])
    }

    private static func sentence(_ words: String) -> String {
        words.printable + (words.last == "?" || words.last == "." ? "" : ".")
    }

    private static func counted(_ count: Int, _ noun: String) -> String? {
        count == 0 ? nil : "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}

/// One line of the doctor's report: a finding, or all steps about one thing as long as nothing is wrong with it.
package struct DoctorLine: Hashable, Sendable {
    package var severity: Finding.Severity
    package var title: String
    package var words: String
    /// What went well before a fault.
    package var passed: String?
    package var fix: Finding.Fix?

    private init(_ finding: Finding, title: String? = nil, passed: String? = nil) {
        severity = finding.severity
        self.title = title ?? finding.title
        words = finding.seen
        self.passed = passed
        fix = finding.fix
    }

    /// All went well: `laptop   192.168.1.7:7443 · ping 0.3 ms · tcp 0.4 ms · identity · trust · clock`.
    private init(merging findings: [Finding], title: String) {
        severity = .ok
        self.title = title
        words = ([findings.first?.address].compactMap { $0 } + Self.steps(findings)).joined(separator: " · ")
    }

    package static func lines(of section: DoctorReport.Section) -> [DoctorLine] {
        var lines: [DoctorLine] = []
        var rest = section.findings[...]
        while let first = rest.first {
            let group = rest.prefix { $0.subject != nil && $0.subject == first.subject && $0.address == first.address }
            let taken = group.isEmpty ? rest.prefix(1) : group
            rest = rest.dropFirst(taken.count)
            lines += Self.lines(of: Array(taken), in: section)
        }
        return lines
    }

    /// The steps of a connection share one line; other findings have a line each.
    private static func lines(of group: [Finding], in section: DoctorReport.Section) -> [DoctorLine] {
        guard let subject = group.first?.subject, group.contains(where: { way.contains($0.check) }) else {
            return group.map { DoctorLine($0) }
        }
        // A subject that is the section's title already adds nothing.
        let title = section.title == subject ? nil : subject
        let rest = group.filter { $0.severity >= .notice }
        let passed = steps(group)
        guard rest.contains(where: \.isFault) else {
            let merged = passed.isEmpty ? [] : [DoctorLine(merging: group, title: title ?? "way")]
            return merged + rest.map { DoctorLine($0, title: title) }
        }
        let words = passed.isEmpty ? nil : "went well: " + passed.joined(separator: " · ")
        return rest.enumerated().map { DoctorLine($0.element, title: title, passed: $0.offset == 0 ? words : nil) }
    }

    private static let way: Set<CheckID> = [.dns, .connect, .mesh]

    private static func steps(_ findings: [Finding]) -> [String] {
        findings.filter { $0.severity == .ok }.map { finding in
            guard finding.check.speaksForItself else { return finding.seen }
            return finding.duration.map { "\(finding.title) \($0.shortText)" } ?? finding.title
        }
    }
}

extension CheckID {
    /// Whether the title alone says that it is as it should be.
    fileprivate var speaksForItself: Bool {
        switch self {
        case .connect, .ping, .tls, .peerIdentity, .trust, .clock, .dns: true
        default: false
        }
    }
}
