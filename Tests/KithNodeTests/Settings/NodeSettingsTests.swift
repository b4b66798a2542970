// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithNode
import Logging
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("Node settings")
struct NodeSettingsTests {
    static let surroundings = ProcessEnvironment(
        currentDirectory: "/srv", homeDirectory: "/home/ada", hostName: "desk")

    static func sources(
        flags: [SettingKey: String] = [:], environment: [String: String] = [:], file: String? = nil,
        yaml: String? = nil
    ) -> SettingSources {
        SettingSources(
            flags: flags, environment: environment,
            environmentFile: file.map { .init(path: "/data/.env", text: $0) },
            yaml: yaml.map { .init(path: "/data/config/kith.yaml", text: $0) }, surroundings: surroundings)
    }

    @Test("Without any setting a node listens on loopback, chooses a local engine and serves no kin")
    func defaults() throws {
        let settings = try NodeSettings(Self.sources())
        #expect(settings.host == "127.0.0.1")
        #expect(settings.port == 8080)
        #expect(settings.name == NodeName("desk"))
        let second = try NodeSettings(Self.sources(flags: [.port: "8081"]))
        #expect(second.name == NodeName("desk-8081"))
        #expect(settings.engine.choice == .automatic)
        #expect(settings.dataDirectory == "/home/ada/.kith")
        #expect(settings.peersFile == "/home/ada/.kith/config/peers.txt")
        #expect(settings.social.idleThreshold == .seconds(480))
        #expect(settings.requestBodyLimit == 4_194_304)
        #expect(settings.seedBodyLimit == 1_048_576)
        #expect(settings.uploadBodyLimit == 33_554_432)
        #expect(settings.logLevel == .info)
        #expect(settings.engine.openAI.key == nil)
        #expect(settings.engine.embedded.logFile == "/home/ada/.kith/state/engine/engine.log")
    }

    @Test("Flags go before the environment, that before .env, that before kith.yaml, that before the default")
    func precedence() throws {
        var sources = Self.sources(
            flags: [.port: "1001"], environment: ["KITH_PORT": "1002"], file: "PORT=1003", yaml: "port: 1004")
        #expect(try NodeSettings(sources).port == 1001)
        sources.flags = [:]
        #expect(try NodeSettings(sources).port == 1002)
        sources.environment = [:]
        #expect(try NodeSettings(sources).port == 1003)
        sources.environmentFile = nil
        #expect(try NodeSettings(sources).port == 1004)
        sources.yaml = nil
        #expect(try NodeSettings(sources).port == 8080)
    }

    @Test("In one source kith's own name goes before the seeds' name")
    func ownNameFirst() throws {
        #expect(try NodeSettings(Self.sources(environment: ["PORT": "1", "KITH_PORT": "2"])).port == 2)
        #expect(try NodeSettings(Self.sources(file: "KITH_PORT=2\nPORT=1")).port == 2)
    }

    @Test("A blank value is as if it were not there", arguments: ["", "  "])
    func blank(value: String) throws {
        let settings = try NodeSettings(
            Self.sources(environment: ["PORT": value, "OPENAI_API_KEY": value], yaml: "port: 9000\nlevel:\n"))
        #expect(settings.port == 9000)
        #expect(settings.level == 1)
        #expect(settings.engine.openAI.key == nil)
    }

    @Test("The last assignment in .env counts; quotes, export and comments are understood, CRLF too")
    func environmentFile() throws {
        let text = """
            # export KITH_PORT=1
            export KITH_NAME="attic"   # the old one
            KITH_PORT=1
            KITH_PORT = '9001'
            OLLAMA_MODEL=llama3.2:3b # small
            UNRELATED=x
            """
        for text in [text, text.replacing("\n", with: "\r\n"), "\u{FEFF}" + text] {
            let settings = try NodeSettings(Self.sources(file: text))
            #expect(settings.name == NodeName("attic"))
            #expect(settings.port == 9001)
            #expect(settings.engine.ollama.model == "llama3.2:3b")
        }
    }

    @Test("Every name of the seeds works, in the environment and in .env")
    func seedNames() throws {
        let names = [
            "PORT": "8081",
            "PEER_ENDPOINTS": "http://localhost:8082/api/generate,http://localhost:8083/api/generate",
            "SOCIAL_IDLE_THRESHOLD_MIN": "3",
            "OPENAI_API_KEY": "sk-open", "OPENAI_MODEL": "gpt-x", "OPENAI_BASE_URL": "http://127.0.0.1:1234/v1",
            "ANTHROPIC_API_KEY": "sk-ant", "ANTHROPIC_MODEL": "claude-x",
            "OLLAMA_MODEL": "llama", "OLLAMA_BASE_URL": "http://127.0.0.1:11435",
        ]
        let file = names.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
        for sources in [Self.sources(environment: names), Self.sources(file: file)] {
            let settings = try NodeSettings(sources)
            #expect(settings.port == 8081)
            #expect(settings.peerEndpoints.peers.map(\.address.port) == [8082, 8083])
            #expect(settings.social.idleThreshold == .seconds(180))
            #expect(settings.engine.openAI.key == .value(Secret("sk-open")))
            #expect(settings.engine.openAI.model == "gpt-x")
            #expect(settings.engine.openAI.address.description == "http://127.0.0.1:1234/v1")
            #expect(settings.engine.anthropic.key == .value(Secret("sk-ant")))
            #expect(settings.engine.anthropic.model == "claude-x")
            #expect(settings.engine.ollama.model == "llama")
            #expect(settings.engine.ollama.address.port == 11_435)
            #expect(settings.engine.choice == .automatic, "a key for a cloud provider does not choose it")
        }
    }

    @Test("kith.yaml sets what a path names, lists too")
    func yaml() throws {
        let settings = try NodeSettings(
            Self.sources(
                yaml: """
                    name: attic
                    host: ::1
                    level: 2.5
                    peers:
                      endpoints:
                        - http://a:1 tier=kith
                        - http://b:2
                      file: lists/peers.txt
                    limits: {request_body: 8 MiB}
                    log: {level: DEBUG}
                    social:
                    engine:
                      kind: count
                      embedded: {slots: 2}
                      test: {tokens_per_second: 40, first_token_delay: 0.5, slots: 3}
                    """))
        #expect(settings.name == NodeName("attic"))
        #expect(settings.host == "::1")
        #expect(settings.level == 2.5)
        #expect(settings.peerEndpoints.peers.map(\.tier) == [.kith, .kith])
        #expect(settings.peersFile == "/home/ada/.kith/lists/peers.txt")
        #expect(settings.requestBodyLimit == 8_388_608)
        #expect(settings.logLevel == .debug)
        #expect(settings.engine.choice == .fixed(.count))
        #expect(settings.engine.embedded.slots == 2)
        #expect(settings.engine.test.tokensPerSecond == 40)
        #expect(settings.engine.test.firstTokenDelay == .milliseconds(500))
        #expect(settings.engine.test.slots == 3)
    }

    @Test("Paths are relative to the data folder in files, to the current folder elsewhere, and ~ is the home folder")
    func paths() throws {
        var sources = Self.sources(environment: ["KITH_DATA_DIR": "data"], yaml: "peers: {file: a.txt}")
        #expect(try NodeSettings(sources).dataDirectory == "/srv/data")
        #expect(try NodeSettings(sources).peersFile == "/srv/data/a.txt")
        sources.environment["KITH_PEERS_FILE"] = "./b.txt"
        #expect(try NodeSettings(sources).peersFile == "/srv/b.txt")
        sources.environment["KITH_PEERS_FILE"] = "~/c.txt"
        #expect(try NodeSettings(sources).peersFile == "/home/ada/c.txt")
    }

    @Test("The current folder is the data folder when it is a node's, unless another is set")
    func dataDirectory() throws {
        var sources = Self.sources()
        #expect(sources.dataDirectories == ["/home/ada/.kith"])
        sources.surroundings.nodeFolder = "/srv"
        #expect(sources.dataDirectory == "/srv")
        #expect(sources.dataDirectories == ["/srv", "/home/ada/.kith"], "the user's own node is found from there too")
        sources.flags[.dataDirectory] = "~/nodes/one"
        #expect(sources.dataDirectories == ["/home/ada/nodes/one"])
    }

    @Test(
        "A project that happens to have a folder config is no node's folder",
        arguments: [
            ("config/kith.yaml", true), ("config/peers.txt", true), ("config/hosts.yaml", true),
            ("state/identity", true),
            ("config/webpack.js", false), ("state/x", false),
        ])
    func projects(file: String, isNodes: Bool) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "kith-project-\(UInt64.random(in: 0 ... .max))")
        let path = folder.appending(path: file)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data().write(to: path)
        let here = ProcessEnvironment(
            currentDirectory: folder.path(percentEncoded: false), homeDirectory: "/home/ada", hostName: "desk")
        let sources = try SettingSources.gather(flags: [:], environment: [:], surroundings: here)
        #expect((sources.dataDirectory == here.currentDirectory) == isNodes)
        for (below, belongs) in [("/dashboard", isNodes), ("/dashboards", false), ("/config", false)] {
            var there = here
            there.currentDirectory += below
            let sources = try SettingSources.gather(flags: [:], environment: [:], surroundings: there)
            #expect((sources.dataDirectory == here.currentDirectory) == belongs, "\(below)")
        }
    }

    @Test("One model and one number of slots serve whichever engine is used, before the engine's own setting")
    func sharedEngineSettings() throws {
        let environment = ["OLLAMA_MODEL": "own", "OPENAI_MODEL": "own", "KITH_ENGINE_EMBEDDED_SLOTS": "2"]
        let named = try NodeSettings(
            Self.sources(flags: [.engineModel: "shared", .engineSlots: "7"], environment: environment)
        ).engine
        #expect(named.ollama.model == "shared" && named.openAI.model == "shared" && named.anthropic.model == "shared")
        #expect(named.embedded.model == nil && named.llamaServer.model == nil)
        #expect(named.embedded.slots == 7 && named.test.slots == 7 && named.openAI.slots == 7)
        let file = try NodeSettings(Self.sources(flags: [.engineModel: "m.GGUF"], environment: environment)).engine
        #expect(file.ollama.model == "own")
        #expect(file.embedded.model == "/srv/m.GGUF" && file.llamaServer.model == "/srv/m.GGUF")
    }

    @Test(
        "A machine's name that could not stand in a header becomes one that can",
        arguments: [
            ("büro pc", "bro-pc"), ("", "node"), ("---", "node"),
            (String(repeating: "x", count: 300), String(repeating: "x", count: 48)),
        ])
    func hostNames(host: String, expected: String) throws {
        var sources = Self.sources()
        sources.surroundings.hostName = host
        #expect(try NodeSettings(sources).name.rawValue == expected)
    }

    @Test("The address of the node to ask comes from the flag, else KITH_URL, else it is the local node")
    func client() throws {
        #expect(try ClientSettings(url: nil, environment: [:]).node.description == "http://127.0.0.1:8080")
        let environment = ["KITH_URL": "http://127.0.0.1:9", "KITH_PORT": "nonsense"]
        #expect(try ClientSettings(url: nil, environment: environment).node.port == 9)
        #expect(try ClientSettings(url: "http://h:7/", environment: environment).node.description == "http://h:7")
        #expect(throws: SettingError.self) { try ClientSettings(url: "h:7", environment: [:]) }
    }

    @Test("The key and the certificate for that node come from the environment, and are checked")
    func clientKey() throws {
        let fingerprint = String(repeating: "ab", count: 32)
        let settings = try ClientSettings(
            url: nil, environment: ["KITH_KEY": "k", "KITH_FINGERPRINT": fingerprint, "KITH_NONSENSE": "x"])
        #expect(settings.key == Secret("k"))
        #expect(settings.pin != nil)
        #expect(!settings.isNamed)
        #expect(try ClientSettings(url: "http://h", environment: [:]).isNamed)
        #expect(throws: SettingError.self) { try ClientSettings(url: nil, environment: ["KITH_FINGERPRINT": "ab"]) }
    }

    @Test("The port for peers is 7443 unless told otherwise")
    func peerPort() throws {
        #expect(try NodeSettings(Self.sources()).peer.port == 7_443)
        #expect(try NodeSettings(Self.sources(environment: ["KITH_PEER_PORT": "0"])).peer.port == 0)
    }
}
