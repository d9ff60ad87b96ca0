'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useFormatter, useTranslations } from 'use-intl';
import { failureOf } from '../../lib/client/api';
import { forgetRemoval, removeDevice } from '../../lib/client/device-intents';
import type { Device } from '../../lib/protocol/accounts';
import { limits } from '../../lib/protocol/limits';
import { api, author } from '../hooks/author';
import { queries } from '../hooks/queries';
import { useConnection, useDevices, useRemovals, useSession } from '../hooks/use-live';
import { Confirm } from './confirm';
import { Icon } from './icons';
import { LinkingModal } from './linking-modal';

/** Of what the server tells of a device, this one keeps little. */
type Listed = Pick<Device, 'deviceId' | 'name' | 'current'> & Partial<Device>;

/** The devices of this account: link, name, remove. */
export function DevicesManager() {
  const t = useTranslations();
  const [linking, setLinking] = useState(false);
  const known = useDevices();
  const devices = useQuery(
    { queryKey: ['devices'], queryFn: () => api.devices.list.query(), retry: false },
    queries,
  );
  const { refetch } = devices;
  const online = useConnection()?.state === 'online';
  const session = useSession();
  const here = session?.state === 'signed_in' ? session.deviceId : null;
  // Without an answer from the server: what the engine knows.
  const listed: Listed[] =
    devices.data ??
    (known?.deviceIds ?? []).map((deviceId) => ({
      deviceId,
      name: known?.names[deviceId] ?? '',
      current: deviceId === here,
    }));
  // The engine has heard that the list is another one, or the server is there again.
  useEffect(() => {
    if (known?.version && online) void refetch();
  }, [known?.version, online, refetch]);
  return (
    <section className="card" aria-label={t('settings.devices')}>
      <h2>{t('settings.devices')}</h2>
      {devices.isError && <p className="notice bad">{t(`errors.${failureOf(devices.error)}`)}</p>}
      <ul className="people">
        {listed.map((device) => (
          <DeviceRow key={device.deviceId} device={device} all={listed} onChange={() => void refetch()} />
        ))}
      </ul>
      <Removals listed={listed} />
      <button type="button" className="button primary" onClick={() => setLinking(true)}>
        {t('settings.link')}
      </button>
      {linking && <LinkingModal side="old" onClose={() => setLinking(false)} />}
    </section>
  );
}

/** Devices that were shut out, until it was seen that they have wiped themselves. */
function Removals({ listed }: { listed: Listed[] }) {
  const t = useTranslations();
  const removals = useRemovals()?.filter(
    (row) => row.state !== 'wished' && !listed.some((device) => device.deviceId === row.deviceId),
  );
  if (!removals || removals.length === 0) return null;
  return (
    <ul className="people" aria-label={t('settings.removed')}>
      {removals.map(({ deviceId, name, state }) => (
        <li key={deviceId}>
          <span className="grow">
            {name}
            <small role="status">{t(`settings.removal.${state}`)}</small>
          </span>
          <button
            type="button"
            className="icon-button"
            aria-label={t('settings.forget', { name })}
            onClick={() => void forgetRemoval(author, deviceId)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function DeviceRow({ device, all, onChange }: { device: Listed; all: Listed[]; onChange: () => void }) {
  const t = useTranslations();
  const format = useFormatter();
  const [doing, setDoing] = useState<'nothing' | 'renaming' | 'asking'>('nothing');
  const { deviceId, type, createdAt, lastSeenAt } = device;
  const removal = useRemovals()?.find((row) => row.deviceId === deviceId);
  const by = all.find((one) => one.deviceId === device.linkedBy)?.name;
  const linked = createdAt && format.dateTime(createdAt, { dateStyle: 'medium' });
  if (doing === 'renaming')
    return (
      <li>
        <Rename
          device={device}
          onDone={() => {
            setDoing('nothing');
            onChange();
          }}
        />
      </li>
    );
  return (
    <li>
      {type && <Icon name={icons[type]} />}
      <span className="grow">
        {device.name}
        {lastSeenAt && (
          <small>
            {device.current
              ? t('settings.active')
              : t('settings.seen', { when: format.relativeTime(lastSeenAt, Date.now()) })}
          </small>
        )}
        {linked && (
          <small>
            {by ? t('settings.linkedBy', { date: linked, by }) : t('settings.since', { date: linked })}
          </small>
        )}
        {removal && <small role="status">{t(`settings.removal.${removal.state}`)}</small>}
      </span>
      <span className="beside">
        {device.current && <small className="tag">{t('settings.current')}</small>}
        <button
          type="button"
          className="icon-button"
          aria-label={t('settings.rename', { name: device.name })}
          onClick={() => setDoing('renaming')}
        >
          <Icon name="edit" />
        </button>
        {!device.current && (
          <button
            type="button"
            className="button danger"
            disabled={removal !== undefined}
            onClick={() => setDoing('asking')}
          >
            {t('settings.remove')}
          </button>
        )}
      </span>
      {doing === 'asking' && (
        <Confirm
          question={t('settings.removeConfirm', { name: device.name })}
          onAnswer={(yes) => {
            setDoing('nothing');
            if (yes) void removeDevice(author, { deviceId, name: device.name });
          }}
        />
      )}
    </li>
  );
}

const icons = { WEB: 'web', MOBILE: 'mobile', DESKTOP: 'desktop' } as const;

function Rename({ device, onDone }: { device: Listed; onDone: () => void }) {
  const t = useTranslations();
  const [name, setName] = useState(device.name);
  const rename = useMutation(
    {
      mutationFn: () => api.devices.rename.mutate({ deviceId: device.deviceId, name: name.trim() }),
      onSuccess: onDone,
    },
    queries,
  );
  return (
    <form
      className="find"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim()) rename.mutate();
      }}
    >
      <label className="field">
        <span>{t('settings.deviceName')}</span>
        <input
          value={name}
          maxLength={limits.deviceNameMaxLength}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={!name.trim() || rename.isPending}>
        {t('settings.save')}
      </button>
      {rename.isError && (
        <p className="notice bad" role="alert">
          {t(`errors.${failureOf(rename.error)}`)}
        </p>
      )}
    </form>
  );
}
