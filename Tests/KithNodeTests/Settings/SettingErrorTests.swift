// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithNode
import Testing

@Suite("Settings that stop the start")
struct SettingErrorTests {
    private func problem(_ sources: SettingSources) -> String? {
        do {
            _ = try NodeSettings(sources)
            return nil
        } catch {
            return error.description
        }
    }

    private func sources(
        flags: [SettingKey: String] = [:], environment: [String: String] = [:], file: String? = nil,
        yaml: String? = nil
    ) -> SettingSources {
        NodeSettingsTests.sources(flags: flags, environment: environment, file: file, yaml: yaml)
    }

    @Test(
        "A misspelt name in kith.yaml is named with its line and what was probably meant",
        arguments: [
            ("prot: 8081", "prot", 1, "port"),
            ("Port: 8081", "Port", 1, "port"),
            ("name: a\nengine:\n  kind: echo\n  embeded:\n    slots: 2", "engine.embeded", 4, "engine.embedded"),
            ("engine:\n  embedded:\n    slot: 2", "engine.embedded.slot", 3, "engine.embedded.slots"),
            ("engine:\n  ollama:\n    url: http://a", "engine.ollama.url", 3, nil),
            ("tokens_per_second: 4", "tokens_per_second", 1, "engine.test.tokens_per_second"),
            ("peer:\n  file: x", "peer.file", 2, "peers.file"), ("engin:\n  kind: x", "engin", 1, "engine"),
            ("peer_port: abc", "peer_port", 1, "peer.port"),
            ("zzzzzzzzzz: 1", "zzzzzzzzzz", 1, nil),
        ] as [(String, String, Int, String?)])
    func misspeltYAML(yaml: String, name: String, line: Int, suggestion: String?) {
        let end = suggestion.map { "did you mean \($0)?" } ?? "`kith settings` lists those there are"
        #expect(
            problem(sources(yaml: yaml)) == "unknown setting \(name) (/data/config/kith.yaml, line \(line)); \(end)")
    }

    @Test(
        "A misspelt name of kith's is refused in the environment and in .env",
        arguments: [
            ("KITH_PROT", "KITH_PORT"), ("KITH_ENGIN", "KITH_ENGINE"), ("KITH_PEERPORT", "KITH_PEER_PORT"),
            ("KITH_ENGINE_EMBEDED_SLOTS", "KITH_ENGINE_EMBEDDED_SLOTS"), ("KITH_ENGINE_DIRS", "KITH_ENGINE_DIR"),
        ])
    func misspeltOwnName(name: String, suggestion: String) {
        let end = "; did you mean \(suggestion)?"
        #expect(
            problem(sources(environment: [name: "secret-value"]))
                == "unknown setting \(name) (the environment)" + end)
        #expect(
            problem(sources(file: "\n\(name)=secret-value"))
                == "unknown setting \(name) (/data/.env, line 2)" + end)
    }

    @Test(
        "A name in .env that is nearly one of the seeds' is refused",
        arguments: [
            ("OPENAI_API_KYE", "OPENAI_API_KEY"), ("PEER_ENDPOINT", "PEER_ENDPOINTS"), ("PROT", "PORT"),
            ("OLAMA_MODEL", "OLLAMA_MODEL"), ("ANTROPIC_API_KEY", "ANTHROPIC_API_KEY"), ("port", "PORT"),
            ("KITHPORT", "KITH_PORT"),
        ])
    func misspeltSeedName(name: String, suggestion: String) {
        #expect(problem(sources(file: "\(name)=x"))?.hasSuffix("; did you mean \(suggestion)?") == true)
        #expect(problem(sources(environment: [name: "x"])) == nil, "the environment belongs to everybody")
    }

    @Test(
        "Other programs' names in .env are none of kith's business", arguments: ["HOST", "PATH", "DATABASE_URL", "P"])
    func foreignNames(name: String) {
        #expect(problem(sources(file: "\(name)=x")) == nil)
    }

    @Test(
        "A value of the wrong type or out of range is quoted with its name, its place and what would be right",
        arguments: [
            (SettingKey.port, "80a", "a whole number from 0 to 65535"),
            (.port, "65536", "a whole number from 0 to 65535"),
            (.port, "99999999999999999999", "a whole number from 0 to 65535"),
            (.level, "nan", "a number from 0.0 to 10.0"), (.level, "-1", "a number from 0.0 to 10.0"),
            (.level, "1e300", "a number from 0.0 to 10.0"),
            (.name, "my node", "a name of 1 to 64 characters from A-Z a-z 0-9 . _ -"),
            (.requestBodyLimit, "99999999999MiB", "a size from 1KiB to 64MiB, such as 4MiB"),
            (.logLevel, "loud", "one of trace, debug, info, notice, warning, error, critical"),
            (.ollamaBaseURL, "ftp://localhost", "an address such as http://127.0.0.1:11434 or desk:11434"),
            (
                .engineKind, "llama", "one of auto, ollama, openai, anthropic, embedded, echo, count, none"
            ),
        ])
    func unusable(key: SettingKey, value: String, expected: String) throws {
        let definition = try #require(SettingDefinition.all.first { $0.key == key })
        let name = try #require(definition.environmentNames.first)
        let end = " is not \(expected)"
        #expect(
            problem(sources(environment: [name: value]))
                == "setting \(key): \"\(value)\" (\(name) in the environment)" + end)
        #expect(
            problem(sources(file: "\(name)=\(value)"))
                == "setting \(key): \"\(value)\" (\(name) in /data/.env, line 1)" + end)
        #expect(
            problem(sources(flags: [key: value]))
                == "setting \(key): \"\(value)\" (\(definition.flag ?? key.rawValue))" + end)
    }

    @Test("A value that another source overrules must still be usable")
    func overruled() {
        #expect(problem(sources(flags: [.port: "1"], yaml: "port: x"))?.contains("kith.yaml, line 1") == true)
    }

    @Test(
        "A kith.yaml that cannot be understood is named with the line, without its text",
        arguments: ["a: [1", "port: 1\nport: 2", "- a\n- b", "mesh:\n  key: hunter2hunter2hunter2\n bad", "\u{1}"])
    func brokenYAML(text: String) {
        let message = problem(sources(yaml: text))
        #expect(message?.hasPrefix("/data/config/kith.yaml cannot be used: ") == true)
        #expect(message?.contains("hunter2") == false)
        #expect(message?.contains("\n") == false)
    }

    @Test("A value where a group belongs, and a group where a value belongs, are refused")
    func shapes() {
        #expect(
            problem(sources(yaml: "engine: echo"))
                == "setting engine (/data/config/kith.yaml, line 1) is a group of settings, such as engine.kind")
        #expect(problem(sources(yaml: "port: [1]"))?.contains("is not a whole number") == true)
        #expect(problem(sources(yaml: "port: {a: 1}"))?.contains("is not a whole number") == true)
    }

    @Test("What says where the files are cannot stand in them")
    func notInFiles() {
        #expect(
            problem(sources(yaml: "data_dir: /x"))
                == "setting data_dir (/data/config/kith.yaml, line 1) cannot stand in a file; "
                + "use --data-dir or KITH_DATA_DIR")
        #expect(problem(sources(file: "KITH_DATA_DIR=/x"))?.contains("cannot stand in a file") == true)
    }

    @Test(
        "A listener that other machines could reach does not start",
        arguments: ["0.0.0.0", "::", "192.168.1.4", "desk"])
    func notLoopback(host: String) {
        let message = problem(sources(flags: [.host: host]))
        #expect(message?.hasPrefix("setting host (--host): \"\(host)\" can be reached from other machines") == true)
        #expect(
            message?.contains("kith key create --name NAME --scope chat, then: kith up --host \(host) --tls, or in")
                == true)
    }

    @Test("With TLS an address that other machines reach is a matter of keys, which are looked for at the start")
    func reachable() {
        #expect(problem(sources(flags: [.host: "0.0.0.0", .tlsMode: "own"])) == nil)
        #expect(problem(sources(flags: [.host: "::", .tlsCertificate: "c.pem", .tlsKey: "k.pem"])) == nil)
        let off: [SettingKey: String] = [.host: "::", .tlsMode: "off", .tlsCertificate: "c.pem", .tlsKey: "k.pem"]
        #expect(problem(sources(flags: off))?.contains("needs TLS and a key") == true)
    }

    @Test("A certificate without its key, a key without its certificate, and two certificates are refused")
    func certificates() {
        #expect(problem(sources(flags: [.tlsCertificate: "c.pem"]))?.contains("--tls-key") == true)
        #expect(problem(sources(environment: ["KITH_TLS_KEY": "k.pem"]))?.contains("--tls-cert") == true)
        let both: [SettingKey: String] = [.tlsMode: "own", .tlsCertificate: "c.pem", .tlsKey: "k.pem"]
        #expect(problem(sources(flags: both))?.contains("take one of the two away") == true)
    }

    @Test(
        "What is no switch, role, name or address is refused with what would be right",
        arguments: [
            (.peerLAN, "maybe", "on or off"), (.requireKey, "2", "on or off"),
            (.roles, "node,king", "one or more of node, cell, bridge, discovery"),
            (.allowedHosts, "a b/c", "host names"), (.allowedOrigins, "app.example", "https://app.example"),
            (.allowedOrigins, "https://app.example/", "origins"), (.allowedOrigins, "null", "origins"),
            (.registries, "ftp://127.0.0.1", "http://127.0.0.1:8001"), (.tlsMode, "on", "one of off, own"),
            (.peerPort, "65536", "0 to 65535"),
        ] as [(SettingKey, String, String)])
    func reach(key: SettingKey, value: String, expected: String) {
        #expect(problem(sources(flags: [key: value]))?.contains(expected) == true)
    }

    @Test("Every loopback address can be used", arguments: ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "::1"])
    func loopback(host: String) {
        #expect(problem(sources(flags: [.host: host])) == nil)
    }

    @Test("A cloud provider without its key does not start, and the message names what is missing")
    func missingKeys() {
        #expect(problem(sources(flags: [.engineKind: "openai"]))?.contains("OPENAI_API_KEY") == true)
        #expect(problem(sources(flags: [.engineKind: "anthropic"]))?.contains("ANTHROPIC_API_KEY") == true)
        let local = ["OPENAI_BASE_URL": "http://127.0.0.1:1234/v1"]
        #expect(problem(sources(flags: [.engineKind: "openai"], environment: local)) == nil)
    }

    @Test("No secret is in any error or description", arguments: SettingDefinition.all.filter(\.isSecret).map(\.key))
    func secrecy(key: SettingKey) throws {
        let definition = try #require(SettingDefinition.all.first { $0.key == key })
        let name = try #require(definition.environmentNames.first)
        let groups = key.rawValue.split(separator: ".").map(String.init)
        let yaml = groups.enumerated().map { String(repeating: "  ", count: $0.offset) + $0.element + ":" }
            .joined(separator: "\n")
        let canary = "c4n4ry-c4n4ry-c4n4ry"
        let unusable = canary + " " + canary
        var messages: [String] = []
        for value in [canary, unusable, "\"\(unusable)", "[\(canary)]", "{\(canary): 1}"] {
            for sources in [
                sources(flags: [key: value]), sources(environment: [name: value]), sources(file: "\(name)=\(value)"),
                sources(yaml: "\(yaml) \(value)"), sources(yaml: "\(yaml)\n\(value)\n x"),
            ] {
                do {
                    let settings = try NodeSettings(sources)
                    var dumped = ""
                    dump(settings, to: &dumped)
                    messages += ["\(settings)", String(reflecting: settings), dumped]
                    messages += settings.peerEndpoints.problems.map(\.description)
                } catch {
                    messages.append("\(error)")
                }
            }
        }
        #expect(!messages.isEmpty)
        #expect(messages.filter { $0.contains("c4n4ry") } == [])
    }

    @Test("No message is longer than one line")
    func oneLine() {
        for value in ["a\nb", "a\r\nb\u{7F}", String(repeating: "x", count: 100_000)] {
            let message = problem(sources(flags: [.port: value])) ?? ""
            #expect(!message.isEmpty && !message.contains(where: \.isNewline) && message.utf8.count < 300)
        }
    }
}
