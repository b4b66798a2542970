// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Synchronization

/// Nodes of one process, each with an engine of its own.
final class EngineMesh: Mesh {
    /// The node that drains, if one does.
    private let draining = Mutex<NodeName?>(nil)
    private let nodes: [(name: NodeName, engine: LocalEngine, models: [ModelInfo])]

    /// The first is the one that is preferred: the others are far away, each farther than the one before.
    init(_ engines: KeyValuePairs<NodeName, any ChatEngine>) async throws {
        var nodes: [(NodeName, LocalEngine, [ModelInfo])] = []
        for (name, engine) in engines {
            nodes.append((name, LocalEngine(engine: engine, clock: MonotonicClock()), try await engine.models()))
        }
        self.nodes = nodes
    }

    func snapshots() -> [NodeSnapshot] {
        nodes.enumerated().map { place, node in
            var snapshot = NodeSnapshot.sketch(
                node.name, models: node.models, slots: 4, latency: .seconds(place) * 100)
            snapshot.isDraining = draining.withLock { $0 == node.name }
            return snapshot
        }
    }

    var drainCount: Int { draining.withLock { $0 == nil ? 0 : 1 } }

    func drain(_ node: NodeName) { draining.withLock { $0 = node } }

    func backend(for node: NodeID) -> (any Answering)? { nodes.first { NodeID(of: $0.name) == node }?.engine }

    func report(_ failure: ChatError, from node: NodeID) {}
}

/// Everything that a client was told.
struct HeardAnswer {
    var text = ""
    var reasoning = ""
    /// The names and arguments of the calls' pieces.
    var calls = ""
    var continuations: [RouteRecord.Continuation] = []
    var finish: FinishReason?
    var usage: TokenUsage?
    var failure: ChatError?

    /// Reads a stream to its end, however it ends.
    init(_ routed: RoutedAnswer) async throws {
        guard case .stream(let stream) = routed.body else { return }
        do {
            while let event = try await stream.next() {
                switch event {
                case .continued(let continuation): continuations.append(continuation)
                case .event(.waiting), .event(.comment): break
                case .event(.raw(let events)): text += events.text
                case .event(.rawEnd(let finish, let usage)): (self.finish, self.usage) = (finish, usage)
                case .event(.delta(let delta)):
                    text += delta.text
                    reasoning += delta.reasoning ?? ""
                    for call in delta.toolCalls?.arrayValue ?? [] {
                        calls += call["function"]?["name"]?.stringValue ?? ""
                        calls += " " + (call["function"]?["arguments"]?.stringValue ?? "")
                    }
                case .event(.finished(let finish, let usage)): (self.finish, self.usage) = (finish, usage)
                }
            }
        } catch let failure as ChatError {
            self.failure = failure
        }
    }
}
