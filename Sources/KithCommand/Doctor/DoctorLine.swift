// SPDX-License-Identifier: Apache-2.0

package import KithDoctor

/// One line of the doctor's report: a finding, or all steps about one thing as long as nothing is wrong with it.
package struct DoctorLine: Hashable, Sendable {
    package var severity: Finding.Severity
    package var title: String
    package var words: String
    package var fixes: [Finding.Fix]

    init(_ finding: Finding) {
        severity = finding.severity
        title = finding.title
        words = finding.seen
        fixes = finding.fix.map { [$0] } ?? []
    }

    /// All steps went well: `192.168.1.7:7443   ping 0.3 ms · tcp 0.4 ms · identity · trust · clock`.
    private init(merging findings: [Finding], about subject: String) {
        severity = .ok
        title = subject
        words = findings.filter { $0.severity == .ok }.map { finding in
            if let took = finding.duration { return "\(finding.title) \(took.shortText)" }
            return finding.check.speaksForItself ? finding.title : finding.seen
        }.joined(separator: " · ")
        fixes = []
    }

    package static func lines(of section: DoctorReport.Section) -> [DoctorLine] {
        var lines: [DoctorLine] = []
        var rest = section.findings[...]
        while let first = rest.first {
            let group = first.subject == nil ? rest.prefix(1) : rest.prefix { $0.subject == first.subject }
            rest = rest.dropFirst(group.count)
            lines += Self.lines(of: Array(group), in: section)
        }
        return lines
    }

    private static func lines(of group: [Finding], in section: DoctorReport.Section) -> [DoctorLine] {
        guard let subject = group.first?.subject, group.count > 1, group.contains(where: { $0.check == .connect })
        else {
            return group.map { DoctorLine($0) }
        }
        let sound = group.filter { $0.severity == .ok || $0.severity == .skipped }
        let rest = group.filter { !sound.contains($0) }
        // Where the address stands in the section's title already, it says nothing.
        let title = section.title == subject ? "way" : subject
        let steps = sound.contains { $0.severity == .ok } ? [DoctorLine(merging: sound, about: title)] : []
        return steps + rest.map { DoctorLine($0) }
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
