// The last results, kept in this browser's own database.

const MOST = 12; // results
const STORE = "results";

/** The event at the window when what is kept has changed. */
export const CHANGED = "kept";

const changed = (done) => {
  dispatchEvent(new Event(CHANGED));
  return done;
};

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("atelier", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** All that is kept, newest first. */
export async function all() {
  const found = await within("readonly", (store) => store.getAll());
  return found.sort((one, other) => other.at - one.at);
}

/** Keep a job: `{id, at, type, job, ...}`; beyond the last few the oldest goes. */
export async function keep(entry) {
  await within("readwrite", (store) => store.put(entry));
  for (const old of (await all()).slice(MOST)) await remove(old.id);
  changed();
}

export const remove = (id) => within("readwrite", (store) => store.delete(id)).then(changed);

export const forget = () => within("readwrite", (store) => store.clear()).then(changed);
