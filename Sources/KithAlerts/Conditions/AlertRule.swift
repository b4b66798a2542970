// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// When a condition is an alert, for the node that judges itself and for Prometheus: written once.
package struct AlertRule: Sendable {
    /// Whom an alert is about.
    package enum Subject: Sendable {
        /// The node that judges.
        case node
        /// Each of its kin.
        case peer
    }

    /// How a value is compared with the threshold.
    package enum Comparison: String, Sendable {
        case above = ">"
        case below = "<"
        case atLeast = ">="

        func holds(_ value: Double, _ threshold: Double) -> Bool {
            switch self {
            case .above: value > threshold
            case .below: value < threshold
            case .atLeast: value >= threshold
            }
        }
    }

    /// What a value counts.
    package enum Unit: Sendable {
        /// Yes or no: the words of a reading say it.
        case state
        case share
        case seconds
        case bytes
        case count
    }

    /// One value that a node reads of itself or of a peer.
    package struct Reading: Sendable {
        /// `nil` stands for the node itself.
        var subject: (id: NodeID, name: NodeName)?
        var value: Double
        /// What is to be said of it in place of the value.
        var words: String?
    }

    package let condition: AlertCondition
    package let severity: AlertSeverity
    package let subject: Subject
    package let unit: Unit
    package let comparison: Comparison
    /// In the unit.
    package var threshold: Double
    /// How long the condition must hold before it is an alert.
    package var hold: Duration
    /// One sentence for people, with what to do; given the name of the subject.
    package let sentence: @Sendable (_ subject: String) -> String
    /// What Prometheus compares with the threshold.
    let expression: String
    /// What must be true besides, in Prometheus' words.
    let guardExpression: String?
    /// What a node compares with the threshold.
    let readings: @Sendable (VitalsWindow) -> [Reading]

    init(
        _ condition: AlertCondition, _ severity: AlertSeverity, about subject: Subject, _ unit: Unit,
        _ comparison: Comparison, _ threshold: Double, hold: Duration, expression: String,
        and guardExpression: String? = nil,
        sentence: @escaping @Sendable (String) -> String, readings: @escaping @Sendable (VitalsWindow) -> [Reading]
    ) {
        self.condition = condition
        self.severity = severity
        self.subject = subject
        self.unit = unit
        self.comparison = comparison
        self.threshold = threshold
        self.hold = hold
        self.expression = expression
        self.guardExpression = guardExpression
        self.sentence = sentence
        self.readings = readings
    }

    /// Those of whom the condition is true now.
    package func findings(in window: VitalsWindow) -> [AlertFinding] {
        readings(window).filter { comparison.holds($0.value, threshold) }.map { reading in
            AlertFinding(
                key: AlertKey(condition, reading.subject?.id ?? window.node),
                name: reading.subject?.name ?? window.name,
                value: reading.value, detail: reading.words ?? "\(text(reading.value)), limit \(text(threshold))")
        }
    }

    private func text(_ value: Double) -> String {
        switch unit {
        case .state, .count: Self.rounded(value, to: 1)
        case .share: Self.rounded(value * 100, to: 10) + " %"
        case .seconds where abs(value) >= 2 * 86_400: Self.rounded(value / 86_400, to: 10) + " days"
        case .seconds: Self.rounded(value, to: 10) + " s"
        case .bytes: Self.rounded(value / 1e9, to: 100) + " GB"
        }
    }

    private static func rounded(_ value: Double, to parts: Double) -> String {
        let rounded = (value * parts).rounded() / parts
        return Int64(exactly: rounded).map(String.init) ?? "\(rounded)"
    }
}

/// A condition that is true of somebody at one moment.
package struct AlertFinding: Hashable, Sendable {
    package var key: AlertKey
    /// What the node that judges calls the subject.
    package var name: NodeName
    package var value: Double
    /// The value and its limit, or other words for what was found.
    package var detail: String

    package init(key: AlertKey, name: NodeName, value: Double, detail: String) {
        self.key = key
        self.name = name
        self.value = value
        self.detail = detail
    }
}

/// The rules that a node judges by.
package struct AlertRules: Sendable {
    /// One for each condition, but for those that are switched off.
    package var rules: [AlertRule]
    /// How long an alert goes on after its condition was true last, so that one that comes and goes is one.
    package var keep: Duration

    /// - Parameters:
    ///   - thresholds: In place of those of the table.
    ///   - holds: In place of those of the table.
    ///   - off: Conditions that are not judged.
    package init(
        thresholds: [AlertCondition: Double] = [:], holds: [AlertCondition: Duration] = [:],
        off: Set<AlertCondition> = [], keep: Duration = AlertRules.standardKeep
    ) {
        self.keep = keep
        rules = AlertRule.table.filter { !off.contains($0.condition) }.map { rule in
            var rule = rule
            rule.threshold = thresholds[rule.condition] ?? rule.threshold
            rule.hold = holds[rule.condition] ?? rule.hold
            return rule
        }
    }

    package static let standardKeep = Duration.seconds(60)

    package func findings(in window: VitalsWindow) -> [AlertFinding] { rules.flatMap { $0.findings(in: window) } }

    package subscript(condition: AlertCondition) -> AlertRule? { rules.first { $0.condition == condition } }
}
