// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithAlerts
import Testing

@Suite("The rules for Prometheus")
struct PrometheusRulesTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/prometheus")
    private static let rules = folder.appending(path: "kith.rules.yml")
    private static let cases = folder.appending(path: "kith.rules_test.yml")
    private static let tool = ["/usr/bin/promtool", "/usr/local/bin/promtool", "/opt/homebrew/bin/promtool"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test("The file in deploy/prometheus is what the table says")
    func file() throws {
        let text = try String(contentsOf: Self.rules, encoding: .utf8)
        #expect(
            text == PrometheusRules.text(), "run: kith alerts --prometheus-rules > deploy/prometheus/kith.rules.yml")
    }

    @Test("There is a case of every alert that fires and one where it is over")
    func complete() throws {
        let text = try String(contentsOf: Self.cases, encoding: .utf8)
        for condition in AlertCondition.allCases {
            let blocks = text.components(separatedBy: "alertname: \(condition.prometheusName)\n").dropFirst()
            #expect(blocks.contains { $0.split(separator: "\n").first?.contains("exp_alerts: []") == true })
            #expect(blocks.contains { $0.split(separator: "\n").first?.contains("exp_alerts: []") == false })
        }
    }

    @Test(
        "Prometheus' own tool finds them right, and its cases pass",
        .enabled(if: tool != nil, "promtool is not installed"),
        arguments: [["check", "rules", rules.path], ["test", "rules", cases.path]])
    func promtool(arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.tool))
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(said)")
        #expect(said.contains("SUCCESS"))
    }
}
