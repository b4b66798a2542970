// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithInference
package import KithModel

extension RouteJournal {
    /// Lets those who follow events of the kind `route` know of each request; nothing is made while nobody does.
    package func announce(in events: EventHub) {
        whenNoted { [weak events] record in
            guard let events, events.hasFollowers(of: .route) else { return }
            events.publish(NodeEvent(.route, at: record.at, RouteMessage.Request(record, now: .now()).fields))
        }
    }
}

extension RouteMessage.Request {
    /// As the fields of an event, which says itself when it was.
    fileprivate var fields: JSONObject {
        guard let bytes = try? JSONBody.encode(self),  // these few fields always encode
            case .object(var fields) = try? JSONBody.decode(JSONValue.self, from: bytes)
        else { return [:] }
        fields["at"] = nil
        fields["seconds_ago"] = nil
        return fields
    }
}
