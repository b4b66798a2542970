// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
import Synchronization

extension TokenStream {
    /// Calls `receiver` from now on, on `eventLoop`, where the one reader must call this too.
    package func flow(on eventLoop: any EventLoop, to receiver: any RoutedEventReceiver) -> Flow {
        let flow = Flow(stream: self, state: state.withLock { $0.take() }, eventLoop: eventLoop, receiver: receiver)
        flow.run()
        return flow
    }

    /// An answer that is passed on by calls. Bound to its event loop; ends the generation when it is cancelled.
    package final class Flow: ChatEventReceiver {
        private let stream: TokenStream
        private let eventLoop: any EventLoop
        private var state: State?
        private var receiver: (any RoutedEventReceiver)?
        private var engine: EngineFlow?
        private var resumption: Task<Void, Never>?
        /// What the engine says while another is asked to take its place, and how it ended; `nil` at other times.
        private var parked: (events: [ChatEvent], end: Result<Void, any Error>?)?
        private var isHeld = false

        fileprivate init(
            stream: TokenStream, state: State?, eventLoop: any EventLoop, receiver: any RoutedEventReceiver
        ) {
            self.stream = stream
            self.state = state
            self.eventLoop = eventLoop
            self.receiver = receiver
        }

        fileprivate func run() {
            guard let state, let source = state.source else { return end(EngineStream.cutOff) }
            let first = state.takeFirst()
            for event in first { received(event) }
            if !first.isEmpty { receiver?.readEnded() }
            guard receiver != nil else { return }
            let engine = source.reader.flow(on: eventLoop, to: self)
            guard receiver != nil else { return engine.cancel() }
            self.engine = engine
            if isHeld || parked != nil { engine.holdReads() }
        }

        package func holdReads() {
            isHeld = true
            engine?.holdReads()
        }

        package func resumeReads() {
            isHeld = false
            if parked == nil { engine?.resumeReads() }
        }

        /// The client has gone: the generation ends.
        package func cancel() {
            receiver = nil
            engine?.cancel()
            engine = nil
            resumption?.cancel()
            state?.standby?.stop()
            state = nil
        }

        // MARK: What the engine says

        package func received(_ event: ChatEvent) {
            guard let state else { return }
            guard parked == nil else {
                parked?.events.append(event)  // bounded: reading is held
                return
            }
            stream.admit(event, state) { event in
                var event = event
                if let continuation = stream.take(&event, state) { receiver?.continued(continuation) }
                tell(event)
            }
            if receiver != nil, let departure = stream.departure(state) { handOver(departure, state) }
        }

        /// Asks another engine for the rest; this one goes on if none can.
        private func handOver(_ departure: Departure, _ state: State) {
            parked = ([], nil)
            engine?.holdReads()
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            resumption = Task { [stream, eventLoop] in
                let source = try? await stream.resume(departure.rest, state)
                eventLoop.execute { bound.value.handedOver(to: source, departure) }
            }
        }

        private func handedOver(to source: Source?, _ departure: Departure) {
            guard let parked = parked.take(), receiver != nil, let state else { return }
            stream.arrive(source, departure, state)
            guard source == nil else {
                engine?.cancel()
                engine = nil
                return run()
            }
            for event in parked.events { received(event) }
            receiver?.readEnded()
            switch parked.end {
            case nil: if !isHeld { engine?.resumeReads() }
            case .success?: ended(nil)
            case .failure(let failure)?: ended(failure)
            }
        }

        package func readEnded() { receiver?.readEnded() }

        package func ended(_ failure: (any Error)?) {
            engine = nil
            if parked != nil {
                parked?.end = failure.map { .failure($0) } ?? .success(())
                return
            }
            guard let failure, receiver != nil, let state else { return }
            do {
                guard let rest = try stream.interrupted(by: failure, state) else { return tellReady() }
                goOn(rest, state)
            } catch {
                end(error)
            }
        }

        /// Waiting for another engine needs a task; its events are passed on by calls again.
        private func goOn(_ rest: Rest, _ state: State) {
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            resumption = Task { [stream, eventLoop] in
                do {
                    state.source = try await stream.resume(rest, state)
                    eventLoop.execute { bound.value.run() }
                } catch {
                    eventLoop.execute { bound.value.end(error) }
                }
            }
        }

        private func tellReady() {
            while let event = state?.ready.popFirst() {
                switch event {
                case .event(let event): tell(event)
                case .continued(let continuation): receiver?.continued(continuation)
                }
            }
        }

        private func tell(_ event: ChatEvent) {
            receiver?.received(event)
            guard event.isEnd else { return }
            // The engine's answer is whole too: its connection can serve the next request.
            engine = nil
            let receiver = receiver.take()
            state = nil
            receiver?.ended(nil)
        }

        private func end(_ error: any Error) {
            let receiver = receiver.take()
            state = nil
            receiver?.ended(stream.ended(with: error))
        }
    }
}
