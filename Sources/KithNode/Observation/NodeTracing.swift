// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTracing
import KithTransport
import KithTrust
import Logging
import ServiceLifecycle

/// The traces of a node, and what sends them to a collector where there is one.
struct NodeTracing: Sendable {
    let tracer: NodeTracer
    private let exporter: OTLPExporter?

    init(
        settings: NodeSettings, identity: NodeIdentity, upstream: UpstreamClient, clock: any TimeSource, logger: Logger
    ) {
        let exporter = settings.tracing.collector.map {
            OTLPExporter(
                target: $0,
                resource: .init(
                    node: settings.name, instance: identity.id.description, version: KithVersion.text),
                client: upstream, clock: clock, logger: logger)
        }
        self.exporter = exporter
        let onEnd = exporter.map { exporter in { @Sendable (recorder: TraceRecorder) in exporter.add(recorder) } }
        tracer = NodeTracer(
            sample: settings.tracing.sample, perSecond: settings.tracing.perSecond, clock: clock, onEnd: onEnd)
    }

    /// What runs as long as the node does.
    var services: [any Service] { exporter.map { exporter in [BackgroundLoop { await exporter.run() }] } ?? [] }
}
