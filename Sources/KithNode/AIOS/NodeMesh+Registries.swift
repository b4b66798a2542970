// SPDX-License-Identifier: Apache-2.0

import KithDialects
#if canImport(KithAIOS)
    import KithAIOS
    import KithMembership
    import KithModel
    import KithPeers
    import KithTransport

    extension NodeMesh {
        /// The registries of AIOS in which other nodes are looked for.
        func registries(upstream: UpstreamClient) -> [any Discovery] {
            settings.peer.registries.map { registry in
                RegistryDiscovery(
                    endpoint: PeerEndpoint(address: registry, tier: .kith), upstream: upstream, clock: clock
                ) {
                    cell()
                }
            }
        }

        /// This node as registries of the seeds show it.
        func cell() -> CellInfo {
            let own = mesh.identity()
            let address = own.addresses.first
            let isCell = settings.roles.contains(.cell)
            return CellInfo(
                cellID: isCell ? settings.cell.id ?? settings.name.rawValue : settings.name.rawValue,
                ip: address?.host ?? settings.host, port: isCell ? settings.cell.port : settings.port,
                level: mesh.level,
                services: isCell ? CellMessage.Health.offered : ["kith"], branch: settings.cell.branch,
                type: isCell ? "cell" : "kith", hostname: settings.name.rawValue,
                kith: KithCell(
                    id: own.id, peerPort: address?.port ?? port.current, version: KithVersion.text,
                    protocolVersion: ProtocolVersions.supported.highest))
        }
    }
#endif
