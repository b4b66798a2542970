// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Synchronization
import Testing

/// A prompt that only a sleeping machine can answer, on a clock moved by hand.
@Suite("A prompt wakes a machine", .timeLimit(.minutes(1)))
struct WakingTests {
    /// Machines of which some sleep.
    private final class Bedroom: Mesh {
        struct State {
            var nodes: [NodeSnapshot]
            var steps: [NodeID: WakeStep] = [:]
            var forecasts: [NodeID: WakeForecast] = [:]
            var asked: [NodeID] = []
        }

        let state: Mutex<State>
        private let engine: LocalEngine

        init(_ nodes: NodeSnapshot..., clock: ManualClock) {
            state = Mutex(State(nodes: nodes))
            engine = LocalEngine(engine: EchoEngine(), clock: clock)
        }

        func snapshots() -> [NodeSnapshot] { state.withLock { $0.nodes } }
        func backend(for node: NodeID) -> (any Answering)? { engine }
        func report(_ failure: ChatError, from node: NodeID) {}

        func wake(_ node: NodeID) -> WakeStep {
            state.withLock { state in
                state.asked.append(node)
                return state.steps[node] ?? .refused("nobody on its network is up")
            }
        }

        func wakeForecast(of node: NodeID) -> WakeForecast? { state.withLock { $0.forecasts[node] } }

        func wakesUp(_ node: NodeID) {
            state.withLock { state in
                for place in state.nodes.indices where state.nodes[place].id == node {
                    state.nodes[place].reachability = .up
                }
            }
        }
    }

    private let clock = ManualClock()
    private let question = ChatRequest(model: "echo", messages: [ChatMessage(.user, "hello")])

    private func sleeper(_ name: NodeName, model: ModelID = "echo", latency: Duration = .zero) -> NodeSnapshot {
        .sketch(name, reachability: .asleep, models: [.sketch(model)], latency: latency)
    }

    private func failure(_ request: ChatRequest, of mesh: Bedroom) async throws -> ChatError {
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        return try #require(await #expect(throws: DispatchError.self) { try await dispatcher.dispatch(request) })
            .failure
    }

    @Test("It waits, and is answered when the machine is up; the client is told meanwhile")
    func woken() async throws {
        let mesh = Bedroom(sleeper("desk"), clock: clock)
        mesh.state.withLock { $0.steps["desk"] = .underWay(until: .seconds(30)) }
        var request = question
        let notice = WaitNotice()
        request.notice = notice
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        let answer = Task { [request] in try await dispatcher.dispatch(request) }
        while clock.sleeperCount == 0 { await Task.yield() }
        #expect(notice.words == "waking a machine")
        mesh.wakesUp("desk")
        clock.advance(by: .seconds(1))
        #expect(try await answer.value.route.candidate?.node == "desk")
    }

    @Test("A machine that is up and can answer is asked, and nobody is woken")
    func notNeeded() async throws {
        let mesh = Bedroom(sleeper("desk"), .sketch("laptop", models: [.sketch("echo")]), clock: clock)
        let answer = try await Dispatcher(mesh: mesh, clock: clock).dispatch(question)
        #expect(answer.route.candidate?.node == "laptop")
        #expect(mesh.state.withLock { $0.asked } == [])
    }

    @Test("One that lacks the model is not woken, and the model is not found")
    func lacksModel() async throws {
        let mesh = Bedroom(sleeper("desk", model: "other"), clock: clock)
        #expect(try await failure(question, of: mesh).code == .modelNotFound)
        #expect(mesh.state.withLock { $0.asked } == [])
    }

    @Test("Where the best is not woken the next best is; where none is, the refusal says why")
    func nextBest() async throws {
        let mesh = Bedroom(sleeper("desk"), sleeper("shelf", latency: .seconds(9)), clock: clock)
        let refusal = try await failure(question, of: mesh)
        #expect(mesh.state.withLock { $0.asked } == ["desk", "shelf"])
        #expect(refusal.code == .noEngine)
        #expect(refusal.message.contains("desk is asleep: nobody on its network is up"))
        #expect(refusal.retryAfter != nil)
    }

    @Test("It does not wait longer than the machine is given, nor than the client waits", arguments: [nil, 5.0])
    func limits(deadline: Double?) async throws {
        let mesh = Bedroom(sleeper("desk"), clock: clock)
        mesh.state.withLock { $0.steps["desk"] = .underWay(until: .seconds(30)) }
        var request = question
        request.deadline = deadline.map { .seconds($0) }
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        let answer = Task { [request] in try await dispatcher.dispatch(request) }
        while clock.now < .seconds(deadline ?? 30) {
            while clock.sleeperCount == 0 { await Task.yield() }
            clock.advance(by: .milliseconds(200))
        }
        let refusal = await #expect(throws: DispatchError.self) { try await answer.value }?.failure
        #expect(refusal?.message.contains("it was sent what wakes it and is not up yet") == true)
    }

    @Test("A request that has no time left wakes nobody, and one that waits has one machine woken at a time")
    func oneAtATime() async throws {
        let mesh = Bedroom(sleeper("desk"), sleeper("shelf", latency: .seconds(9)), clock: clock)
        mesh.state.withLock {
            $0.steps = ["desk": .underWay(until: .seconds(1)), "shelf": .underWay(until: .seconds(9))]
        }
        var request = question
        request.deadline = clock.now
        #expect(try await failure(request, of: mesh).code != .modelNotFound)
        #expect(mesh.state.withLock { $0.asked } == [])

        request.deadline = clock.now + .milliseconds(500)
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        let answer = Task { [request] in try await dispatcher.dispatch(request) }
        while clock.now < .seconds(0.5) {
            while clock.sleeperCount == 0 { await Task.yield() }
            clock.advance(by: .milliseconds(100))
        }
        await #expect(throws: DispatchError.self) { try await answer.value }
        #expect(Set(mesh.state.withLock { $0.asked }) == ["desk"])
    }

    @Test("Company and batch work wake nobody, and the refusal says what does")
    func notForThese() async throws {
        var company = question
        company.occasion = .company
        var batch = question
        batch.priority = .batch
        for request in [company, batch] {
            let mesh = Bedroom(sleeper("desk"), clock: clock)
            #expect(try await failure(request, of: mesh).message.contains("kith wake desk wakes it"))
            #expect(mesh.state.withLock { $0.asked } == [])
        }
    }

    // MARK: Sooner than who is up

    /// A laptop with forty prompts before it, some 43 seconds at the pace that is assumed.
    private func queue(usual: Duration? = .seconds(5)) -> Bedroom {
        let mesh = Bedroom(
            sleeper("desk"), .sketch("laptop", models: [.sketch("echo")], outstanding: 40), clock: clock)
        mesh.state.withLock {
            $0.steps["desk"] = .underWay(until: clock.now + .seconds(10))
            $0.forecasts["desk"] = usual.map { WakeForecast(usual: $0, begun: nil) }
        }
        return mesh
    }

    @Test("A machine with which it is answered clearly sooner than by who is up is woken, and waited for")
    func sooner() async throws {
        let mesh = queue()
        var request = question
        let notice = WaitNotice()
        request.notice = notice
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        let answer = Task { [request] in try await dispatcher.dispatch(request) }
        while clock.sleeperCount == 0 { await Task.yield() }
        #expect(notice.words == "waking a machine")
        mesh.wakesUp("desk")
        clock.advance(by: .seconds(1))
        #expect(try await answer.value.route.candidate?.node == "desk")
    }

    @Test("If it does not come in its time, who is up is asked after all")
    func notSooner() async throws {
        let mesh = queue()
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        let answer = Task { [question] in try await dispatcher.dispatch(question) }
        while clock.now < .seconds(10) {
            while clock.sleeperCount == 0 { await Task.yield() }
            clock.advance(by: .milliseconds(200))
        }
        #expect(try await answer.value.route.candidate?.node == "laptop")
        #expect(Set(mesh.state.withLock { $0.asked }) == ["desk"])
    }

    @Test("Nobody is woken where that is hardly sooner, was never measured, or the client does not wait so long")
    func keepsSleeping() async throws {
        var hasty = question
        hasty.deadline = clock.now + .seconds(4)
        var batch = question
        batch.priority = .batch
        for (mesh, request) in [
            (queue(usual: .seconds(30)), question), (queue(usual: nil), question), (queue(), hasty), (queue(), batch),
        ] {
            let answer = try await Dispatcher(mesh: mesh, clock: clock).dispatch(request)
            #expect(answer.route.candidate?.node == "laptop")
            #expect(mesh.state.withLock { $0.asked } == [])
        }
    }
}
