// SPDX-License-Identifier: Apache-2.0

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

    /// Whom it is about.
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

    /// What the shell is told: 0 when all is well, 1 for warnings, 2 for errors.
    package var exitCode: Int32 {
        switch severity {
        case .skipped, .ok, .notice: 0
        case .warning: 1
        case .error: 2
        }
    }

    /// The faults, the most probable cause of the trouble first: what is a cause before what follows from one, the
    /// worst before what is less bad, and of equals what others depend on.
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
