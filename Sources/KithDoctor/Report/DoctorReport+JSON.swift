// SPDX-License-Identifier: Apache-2.0

import KithModel

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
