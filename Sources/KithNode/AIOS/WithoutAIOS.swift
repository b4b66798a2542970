// SPDX-License-Identifier: Apache-2.0

#if !canImport(KithAIOS)
    import KithAPI
    import KithMembership
    import KithPeers
    import KithTransport
    import Logging
    import ServiceLifecycle

    /// A node of a build that leaves KithAIOS out: it has the role of a node, and no other.
    struct NodeRoles: Sendable {
        let peerRoutes: [any PeerRouteGroup] = []
        let services: [any Service] = []

        init(
            services: NodeServices, settings: NodeSettings, peers: NodeMesh, vault: NodeVault, access: ClientAccess,
            upstream: UpstreamClient, logger: Logger
        ) async {
            for role in settings.roles where role != .node {
                logger.warning("this build does not have the role", metadata: ["role": "\(role.rawValue)"])
            }
        }
    }

    extension NodeMesh {
        func registries(upstream: UpstreamClient) -> [any Discovery] { [] }
    }
#endif
