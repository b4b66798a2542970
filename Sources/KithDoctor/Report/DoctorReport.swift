// SPDX-License-Identifier: Apache-2.0

import KithModel

/// All that was found, and what follows from it.
package struct DoctorReport: Hashable, Sendable {
    package struct Section: Hashable, Sendable {
        package var title: String
        package var findings: [Finding]

        package init(_ title: String, _ findings: [Finding]) {
            self.title = title
            self.findings = findings
        }
    }

    /// Which node the report is about.
    package struct Subject: Hashable, Sendable {
        package var name: String?
        /// `nil` when only addresses were looked at.
        package var dataDirectory: String?
        package var isRunning: Bool
        package var version: String

        package init(name: String? = nil, dataDirectory: String? = nil, isRunning: Bool = false, version: String) {
            self.name = name
            self.dataDirectory = dataDirectory
            self.isRunning = isRunning
            self.version = version
        }
    }

    package var subject: Subject
    package var sections: [Section]
    package var duration: Duration

    package init(subject: Subject, sections: [Section], duration: Duration) {
        self.subject = subject
        self.sections = sections.filter { !$0.findings.isEmpty }
        self.duration = duration
    }

    package var findings: [Finding] { sections.flatMap(\.findings) }

    package var severity: Finding.Severity { max(.ok, findings.map(\.severity).max() ?? .ok) }

    /// The exit status: 0 when all is well, 1 for warnings, 2 for errors.
    package var exitCode: Int32 {
        switch severity {
        case .skipped, .ok, .notice: 0
        case .warning: 1
        case .error: 2
        }
    }

    /// The faults, the most probable cause of the trouble first: causes before consequences, worse before less bad, and
    /// of equals those first on which others depend.
    package var causes: [Finding] {
        findings.enumerated().filter(\.element.isFault).sorted { left, right in
            let (a, b) = (left.element, right.element)
            if a.isConsequence != b.isConsequence { return b.isConsequence }
            if a.severity != b.severity { return a.severity > b.severity }
            return (a.check.depth, left.offset) < (b.check.depth, right.offset)
        }.map(\.element)
    }

    package func count(_ severity: Finding.Severity) -> Int { findings.count { $0.severity == severity } }
}

/// What `kith doctor --json` prints.
extension DoctorReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case status, node, running, version, causes, sections
        case dataDirectory = "data_dir"
        case exitCode = "exit_code"
        case duration = "duration_ms"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(severity.rawValue, forKey: .status)
        try container.encode(exitCode, forKey: .exitCode)
        try container.encodeIfPresent(subject.name, forKey: .node)
        try container.encodeIfPresent(subject.dataDirectory, forKey: .dataDirectory)
        try container.encode(subject.isRunning, forKey: .running)
        try container.encode(subject.version, forKey: .version)
        try container.encode(duration.tenths, forKey: .duration)
        try container.encode(causes, forKey: .causes)
        try container.encode(sections, forKey: .sections)
    }
}

extension DoctorReport.Section: Encodable {
    private enum CodingKeys: String, CodingKey { case title, findings }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(title, forKey: .title)
        try container.encode(findings, forKey: .findings)
    }
}

extension Finding: Encodable {
    private enum CodingKeys: String, CodingKey {
        case check, title, severity, seen, subject, address, fix, command, consequence
        case duration = "duration_ms"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(check, forKey: .check)
        try container.encode(title, forKey: .title)
        try container.encode(severity.rawValue, forKey: .severity)
        try container.encode(seen, forKey: .seen)
        try container.encodeIfPresent(subject, forKey: .subject)
        try container.encodeIfPresent(address, forKey: .address)
        try container.encodeIfPresent(fix?.sentence, forKey: .fix)
        try container.encodeIfPresent(fix?.command, forKey: .command)
        try container.encodeIfPresent(duration?.tenths, forKey: .duration)
        if isConsequence { try container.encode(true, forKey: .consequence) }
    }
}

extension Duration {
    /// Milliseconds with one decimal.
    var tenths: Double { (milliseconds * 10).rounded() / 10 }
}
