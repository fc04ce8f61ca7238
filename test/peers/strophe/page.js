// What a page does with strophe.js, step by step; the test asks for each step.
/* global Strophe, $pres, $msg */
globalThis.strophe = (() => {
  let connection;
  let jid;
  return {
    login: (service, user, password) =>
      new Promise((resolve, reject) => {
        connection = new Strophe.Connection(service);
        connection.connect(user, password, (status, condition) => {
          if (status === Strophe.Status.CONNECTED) {
            jid = connection.jid;
            resolve(jid);
          } else if ([Strophe.Status.CONNFAIL, Strophe.Status.AUTHFAIL].includes(status))
            reject(new Error(`${status} ${condition}`));
        });
      }),
    // Sends texts to oneself, and waits until all are back.
    say: (texts) =>
      new Promise((resolve) => {
        const heard = [];
        connection.addHandler(
          (message) => {
            heard.push(message.querySelector('body')?.textContent);
            if (heard.length === texts.length) resolve(heard);
            return heard.length < texts.length;
          },
          null,
          'message',
        );
        connection.send($pres());
        for (const text of texts)
          connection.send($msg({ to: jid, type: 'chat' }).c('body').t(text));
        connection.flush();
      }),
    leave: () =>
      new Promise((resolve) => {
        connection.connect_callback = (status) => {
          if (status === Strophe.Status.DISCONNECTED) resolve(true);
        };
        connection.disconnect('good night');
      }),
  };
})();
