// SPDX-License-Identifier: Apache-2.0

import Logging

extension SettingDefinition {
    /// What the node says of itself while it works.
    static let observation: [SettingDefinition] = [
        SettingDefinition(
            .logLevel, .choice(Logger.Level.allCases.map(\.rawValue)), fallback: "info", flag: "--log-level",
            help: "The least severity that is logged."),
        SettingDefinition(
            .logFormat, .choice(LogFormat.allCases.map(\.rawValue)), fallback: "text", flag: "--log-format",
            help: "How the log is written: `text` for people, `json` with an object a line."),
        SettingDefinition(
            .logFile, .path, note: "standard error", flag: "--log-file",
            help: "A file that gets the log, and all else that the node says; at 8 MiB it is set aside as `.1`."),
        SettingDefinition(
            .auditFile, .path,
            help: "A file that gets the audit trail too, an object of JSON a line; at 16 MiB it is set aside as `.1`."),
        SettingDefinition(
            .auditSyslog, .path,
            help: "The socket of the system's log, such as `/dev/log`, that gets the audit trail too."),
        SettingDefinition(
            .tracingSample, .number(0...1), fallback: "1",
            help: "The share of requests whose trace is recorded, for `kith trace` and the collector; those of clients "
                + "that record theirs are recorded too, unless it is 0."),
        SettingDefinition(
            .tracingPerSecond, .integer(1...1_000_000), fallback: "100",
            help:
                "Traces that begin a second at most, on the average of two seconds, beside those of clients that record "
                + "theirs. Under more load the others leave no trace; recent requests are listed all the same."),
        SettingDefinition(
            .otlpEndpoint, .address, seedName: "OTEL_EXPORTER_OTLP_ENDPOINT",
            help:
                "A collector that takes OTLP over HTTP in JSON, such as `http://127.0.0.1:4318`; `/v1/traces` is added "
                + "where it is missing. Without one nothing is sent."),
        SettingDefinition(
            .otlpHeaders, .headerList, seedName: "OTEL_EXPORTER_OTLP_HEADERS",
            isSecret: true,
            help: "Header fields for the collector, such as a key: `name=value`, separated by commas."),
    ]
}
