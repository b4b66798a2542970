// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import KithNode
import Logging
import Testing

@Suite("Plans of clusters")
struct ClusterPlanTests {
    private let surroundings = ProcessEnvironment(
        currentDirectory: "/srv", homeDirectory: "/home/ada", hostName: "desk")

    private func plan(_ count: Int = 3, shared: [SettingKey: String] = [:], first: String? = nil) throws -> ClusterPlan
    {
        try ClusterPlan(
            count: count, basePort: 8080, directory: "/c", shared: shared, firstNodeEngine: first)
    }

    @Test("Nodes stand on neighbouring ports, each in its own folder")
    func places() throws {
        let instances = try plan().instances
        #expect(instances.map(\.name) == ["instance_8080", "instance_8081", "instance_8082"])
        #expect(instances.map(\.directory) == ["/c/instance_8080", "/c/instance_8081", "/c/instance_8082"])
        #expect(instances.map(\.address.description).last == "http://127.0.0.1:8082")
    }

    @Test("Every node has a port of its own for peers")
    func peerPorts() throws {
        let plan = try ClusterPlan(count: 3, basePort: 8080, basePeerPort: 7_500, directory: "/c")
        #expect(plan.instances.map(\.peerPort) == [7_500, 7_501, 7_502])
        #expect(plan.instances.last?.arguments.contains("--peer-port=7502") == true)
    }

    @Test("A node is told the same by its file alone as by its flags")
    func settingsFile() throws {
        let shared: [SettingKey: String] = [
            .engineKind: "count", .testTokensPerSecond: "40", .testFirstTokenDelay: "0.5", .engineSlots: "2",
            .engineDirectory: #"/a "quoted" \ path"#, .logLevel: "debug",
        ]
        let instance = try #require(try plan(shared: shared).instances.last)
        let fromFile = try NodeSettings(
            SettingSources(
                yaml: .init(path: "kith.yaml", text: instance.settingsFile), surroundings: surroundings))
        let fromFlags = try NodeSettings(SettingSources(flags: instance.settings, surroundings: surroundings))
        for settings in [fromFile, fromFlags] {
            #expect(settings.name == NodeName("instance_8082"))
            #expect(settings.port == 8082)
            #expect(settings.peer.port == 7_445)
            #expect(settings.engine.choice == .fixed(.count))
            #expect(settings.engine.test.tokensPerSecond == 40)
            #expect(settings.engine.test.firstTokenDelay == .milliseconds(500))
            #expect(settings.engine.test.slots == 2)
            #expect(settings.engine.embedded.directory == #"/a "quoted" \ path"#)
            #expect(settings.logLevel == .debug)
        }
    }

    @Test("Every shared setting has a flag, so that a node's environment cannot overrule it")
    func flags() throws {
        let shared: [SettingKey: String] = [
            .engineKind: "count", .engineModel: "m", .engineSlots: "2", .engineDirectory: "/e",
            .testTokensPerSecond: "1", .testFirstTokenDelay: "1", .logLevel: "info",
        ]
        let instance = try #require(try plan(shared: shared).instances.first)
        let own = [
            "up", "--data-dir", "/c/instance_8080", "--lifeline", "--log-file", "/c/instance_8080/state/node.log",
        ]
        #expect(Array(instance.arguments.prefix(own.count)) == own)
        #expect(instance.arguments.count == own.count + shared.count + 4)
        #expect(instance.arguments.contains("--engine=count") && instance.arguments.contains("--port=8080"))
    }

    @Test("The first node may have another engine, or none")
    func firstNode() throws {
        let instances = try plan(shared: [.engineKind: "count"], first: "none").instances
        #expect(instances.map { $0.settings[.engineKind] } == ["none", "count", "count"])
        #expect(instances.map(\.hasEngine) == [false, true, true])
    }

    @Test(
        "Too many nodes, too few and ports that do not exist are refused",
        arguments: [
            (0, 8080), (-1, 8080), (65, 8080), (2, 65_535), (1, 0), (1, -5), (1, Int.max), (Int.min, 1),
        ])
    func refused(count: Int, basePort: Int) {
        #expect(throws: CommandError.self) {
            _ = try ClusterPlan(count: count, basePort: basePort, directory: "/c")
        }
    }

    @Test("The last port there is can be used")
    func lastPort() throws {
        #expect(try ClusterPlan(count: 2, basePort: 65_534, directory: "/c").instances.map(\.port) == [65_534, 65_535])
    }

    @Test(
        "Ports for peers that do not exist, or are those for clients, are refused",
        arguments: [(8080, 0), (8080, 65_535), (8080, 8081), (8081, 8080), (8080, Int.max)])
    func refusedPeerPorts(basePort: Int, basePeerPort: Int) {
        let failure = #expect(throws: CommandError.self) {
            _ = try ClusterPlan(count: 2, basePort: basePort, basePeerPort: basePeerPort, directory: "/c")
        }
        #expect(failure?.message.contains("--base-peer-port") == true)
    }
}
