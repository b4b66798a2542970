// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithModel
import Testing

@testable import KithNode

@Suite("Settings of alerts")
struct AlertSettingsTests {
    private func settings(_ environment: [String: String] = [:], yaml: String? = nil) throws -> AlertSettings {
        try NodeSettings(NodeSettingsTests.sources(environment: environment, yaml: yaml)).alerts
    }

    @Test("By default every condition is judged by the table, and nobody is told but by log and events")
    func byDefault() throws {
        let alerts = try settings()
        #expect(alerts.command.isEmpty)
        #expect(alerts.webhooks.isEmpty)
        #expect(alerts.secret == nil)
        #expect(alerts.interval == .seconds(5))
        #expect(alerts.rules.keep == .seconds(60))
        for rule in AlertRule.table {
            #expect(alerts.rules[rule.condition]?.threshold == rule.threshold)
            #expect(alerts.rules[rule.condition]?.hold == rule.hold)
        }
    }

    @Test("Other limits, times, a command and webhooks are read, from kith.yaml and from the environment")
    func chosen() throws {
        let yaml = """
            alerts:
              command: [notify-send, "kith says", --urgency=low]
              webhooks: ["https://hooks.example/a/b/?c=d", "http://127.0.0.1:9"]
              webhook_secret: 0123456789abcdef
              thresholds: {disk: 10e9, slow-first-token: 4}
              for: {peer-down: 2.5}
              off: clock-offset, certificate
              keep: 7
              interval: 0.5
            """
        let environment = [
            "KITH_ALERTS_COMMAND": "notify-send, kith says, --urgency=low",
            "KITH_ALERTS_WEBHOOKS": "https://hooks.example/a/b/?c=d,http://127.0.0.1:9",
            "KITH_ALERTS_WEBHOOK_SECRET": "0123456789abcdef", "KITH_ALERTS_THRESHOLDS": "disk=10e9,slow-first-token=4",
            "KITH_ALERTS_FOR": "peer-down=2.5", "KITH_ALERTS_OFF": "clock-offset,certificate", "KITH_ALERTS_KEEP": "7",
            "KITH_ALERTS_INTERVAL": "0.5",
        ]
        for alerts in [try settings(yaml: yaml), try settings(environment)] {
            #expect(alerts.command == ["notify-send", "kith says", "--urgency=low"])
            #expect(alerts.webhooks.map(\.origin.description) == ["https://hooks.example", "http://127.0.0.1:9"])
            #expect(alerts.webhooks.map(\.path) == ["/a/b/?c=d", "/"])
            #expect(alerts.secret == .value(Secret("0123456789abcdef")))
            #expect(alerts.rules[.disk]?.threshold == 10e9)
            #expect(alerts.rules[.slowFirstToken]?.threshold == 4)
            #expect(alerts.rules[.peerDown]?.hold == .milliseconds(2_500))
            #expect(alerts.rules[.clockOffset] == nil)
            #expect(alerts.rules.rules.count == AlertCondition.allCases.count - 2)
            #expect(alerts.rules.keep == .seconds(7))
            #expect(alerts.interval == .milliseconds(500))
        }
    }

    @Test(
        "What cannot be used stops the start",
        arguments: [
            ("KITH_ALERTS_THRESHOLDS", "peer-dawn=1"), ("KITH_ALERTS_THRESHOLDS", "disk=much"),
            ("KITH_ALERTS_THRESHOLDS", "disk=1,disk=2"), ("KITH_ALERTS_FOR", "disk"), ("KITH_ALERTS_FOR", "disk=1e300"),
            ("KITH_ALERTS_OFF", "disks"), ("KITH_ALERTS_WEBHOOKS", "example.org/hook"),
            ("KITH_ALERTS_WEBHOOKS", "https://u:p@example.org"), ("KITH_ALERTS_WEBHOOK_SECRET", "short"),
        ])
    func unusable(name: String, value: String) {
        #expect(throws: SettingError.self) { try settings([name: value]) }
    }

    @Test("The secret may stand in Vault, and neither it nor a webhook is told by an error")
    func secret() throws {
        let reference = "vault:secret/data/kith#webhooks"
        let vault = ["VAULT_ADDR": "https://vault.example:8200", "VAULT_TOKEN": "hvs.t"]
        let alerts = try settings(vault.merging(["KITH_ALERTS_WEBHOOK_SECRET": reference]) { $1 })
        #expect(alerts.secret == .vault(try VaultReference(reference)))
        for (name, value) in [("KITH_ALERTS_WEBHOOKS", "hidden/hook"), ("KITH_ALERTS_WEBHOOK_SECRET", "hidden")] {
            let error = #expect(throws: SettingError.self) { try settings([name: value]) }
            #expect(error?.description.contains("hidden") == false)
        }
    }
}
