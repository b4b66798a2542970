// SPDX-License-Identifier: Apache-2.0

import SystemPackage

extension Node {
    /// Looks whether the node's listeners will find their ports. Somebody may take one after that: the listeners look themselves.
    ///
    /// - Throws: ``NodeStartError`` with `portTaken`, which names the port and the flag that chooses another.
    package func requireOpenPorts() async throws {
        var places: [(port: TrialPort, flag: String)] = []
        if settings.roles.contains(.node) {
            places.append((TrialPort(host: settings.host, port: settings.port), "--port"))
        }
        if settings.peer.isPortChosen {
            places.append((TrialPort(host: settings.peer.host, port: settings.peer.port), "--peer-port"))
        }
        for (place, flag) in places {
            // An address family that is missing has its own way out, later.
            guard let why = await place.obstacle(), why != .addressFamilyNotSupported else { continue }
            throw Listener.refusal(host: place.host, port: place.port, flag: flag, why)
        }
    }
}
