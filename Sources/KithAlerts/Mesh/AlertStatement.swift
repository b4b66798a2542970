// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What one node says of one alert to its kin: what it has seen itself, and what it has told people.
package struct AlertStatement: Hashable, Sendable {
    /// That the node sees the alert, or saw it.
    package struct Sighting: Hashable, Sendable {
        /// When the condition was found first.
        package var since: WallTime
        /// When it was over; `nil` while it is not.
        package var until: WallTime?
        /// What the node calls the subject.
        package var name: NodeName
        package var value: Double
        package var detail: String

        package init(since: WallTime, until: WallTime? = nil, name: NodeName, value: Double, detail: String) {
            self.since = since
            self.until = until
            self.name = name
            self.value = value
            self.detail = detail
        }
    }

    /// That the node speaks for the mesh about one incident: one time from the beginning of an alert to its end.
    package struct Telling: Hashable, Sendable {
        package enum Stage: String, Hashable, Sendable {
            /// The node is about to tell people: whoever takes over from it tells of the same incident.
            case announced
            /// It has begun to tell people, and does not know yet whether they know.
            case sending
            case told
            /// None of its channels took the message.
            case abandoned
        }

        /// When the incident began: with the alert its name.
        package var incident: WallTime
        package var stage: Stage

        package init(incident: WallTime, stage: Stage) {
            self.incident = incident
            self.stage = stage
        }
    }

    package var sighting: Sighting?
    package var telling: Telling?
    /// Incidents that began until then are over, and people know it; never lowered.
    package var closedUpTo: WallTime?

    package init(sighting: Sighting? = nil, telling: Telling? = nil, closedUpTo: WallTime? = nil) {
        self.sighting = sighting
        self.telling = telling
        self.closedUpTo = closedUpTo
    }
}

extension AlertStatement {
    /// Bytes of ``Sighting/detail`` that are passed on.
    private static let detailLimit = 512

    /// - Returns: `nil` for what no node of this version writes.
    package init?(_ json: JSONValue) {
        guard case .object(let fields) = json else { return nil }
        self.init(closedUpTo: fields["closed_up_to"].flatMap(WallTime.init(json:)))
        if let seen = fields["seen"] {
            guard let since = seen["since"].flatMap(WallTime.init(json:)),
                let name = seen["name"]?.stringValue.flatMap(NodeName.init), let value = seen["value"]?.doubleValue
            else { return nil }
            let detail = (seen["detail"]?.stringValue ?? "").cut(toBytes: Self.detailLimit).withoutControls
            sighting = Sighting(
                since: since, until: seen["until"].flatMap(WallTime.init(json:)), name: name, value: value,
                detail: detail)
        }
        if let told = fields["told"] {
            guard let incident = told["incident"].flatMap(WallTime.init(json:)),
                let stage = told["stage"]?.stringValue.flatMap(Telling.Stage.init)
            else { return nil }
            telling = Telling(incident: incident, stage: stage)
        }
    }

    /// Whether all its times may be true. What closes an alert until a time that is far away would silence it for good.
    ///
    /// - Parameter wall: Now, as this node's clock has it; those of kin may differ.
    package func isPlausible(at wall: WallTime) -> Bool {
        let latest = wall.advanced(by: .seconds(86_400))
        let times = [closedUpTo, sighting?.since, sighting?.until, telling?.incident].compactMap(\.self)
        return times.allSatisfy { $0 <= latest }
    }

    /// What ``init(_:)`` reads.
    package var json: JSONValue {
        var fields = JSONObject()
        if let sighting {
            var seen: JSONObject = [
                "since": sighting.since.json, "name": .string(sighting.name.rawValue), "value": .number(sighting.value),
                "detail": .string(sighting.detail.cut(toBytes: Self.detailLimit)),
            ]
            seen["until"] = sighting.until?.json
            fields["seen"] = .object(seen)
        }
        if let telling {
            fields["told"] = ["incident": telling.incident.json, "stage": .string(telling.stage.rawValue)]
        }
        fields["closed_up_to"] = closedUpTo?.json
        return .object(fields)
    }
}

extension WallTime {
    init?(json: JSONValue) {
        guard let milliseconds = json.intValue else { return nil }
        self.init(milliseconds: Int64(milliseconds))
    }

    var json: JSONValue { .integer(milliseconds) }
}

extension String {
    /// In one line, and without what terminals obey.
    fileprivate var withoutControls: String {
        HarmlessText(self).description
    }
}
