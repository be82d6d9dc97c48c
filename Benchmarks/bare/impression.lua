-- A Topsort impression of about 400 bytes, each with an id of its own.
local count = 0
local head = '{"impressions":[{"id":"'
local tail = '","occurredAt":"2026-01-02T10:00:00.123Z","opaqueUserId":"71303ce0-de89-496d-8270-6434589615e8",'
  .. '"resolvedBidId":"WyJiX01mazE1IiwiMTJhNTU4MjgtOGVhZC00Mjk5LTgzMjctY2ViYjAwMmVmZTVlIiwibGlzdGluZ3Mi",'
  .. '"placement":{"path":"/categories/shoes","position":3,"page":1,"pageSize":24},'
  .. '"deviceType":"mobile","channel":"onsite"}],"clicks":[],"purchases":[]}'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  count = count + 1
  return wrk.format(nil, nil, nil, head .. string.format("3f2b8a1e-8a6e-4a2f-9b3c-%012x", count) .. tail)
end
